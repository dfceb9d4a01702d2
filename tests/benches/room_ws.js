// A chat's rooms on node's `ws`: the messages of `wharf chat` as far as a load needs them, told to each member by a loop. Nothing is
// compressed, which is how `ws` comes, and nothing is kept, unless there is a journal: then a message is synced before it is told.
//   node room_ws.js [--listen 127.0.0.1:0] [--journal FILE]
'use strict'

const { randomUUID } = require('node:crypto')
const { open } = require('node:fs/promises')
const { createServer } = require('node:http')
const { parseArgs } = require('node:util')
const { WebSocket, WebSocketServer } = require('ws')

const options = { listen: { type: 'string', default: '127.0.0.1:0' }, journal: { type: 'string' } }
const { values } = parseArgs({ options })
const rooms = new Map()
let lastId = 0

function tell(client, reply) {
  client.send(JSON.stringify(reply))
}

function broadcast(members, reply) {
  const data = Buffer.from(JSON.stringify(reply))
  for (const client of members) {
    if (client.readyState === WebSocket.OPEN) client.send(data, { binary: false })
  }
}

function join(client, roomId) {
  let members = rooms.get(roomId)
  if (!members) rooms.set(roomId, (members = new Set()))
  const { userId, name } = client.user
  if (!members.has(client)) {
    members.add(client)
    client.rooms.add(roomId)
    broadcast(members, { type: 'join', roomId, userId, name, content: `${name} joined the room` })
  }
  const all = [...members].map((member) => member.user)
  tell(client, { type: 'user_list', roomId, users: all.map((user) => user.name), members: all })
  tell(client, { type: 'history', roomId, messages: [], more: false })
}

function leave(client, roomId) {
  const members = rooms.get(roomId)
  if (!members?.delete(client)) return
  client.rooms.delete(roomId)
  const { userId, name } = client.user
  broadcast(members, { type: 'leave', roomId, userId, name, content: `${name} left the room` })
  if (members.size === 0) rooms.delete(roomId)
}

async function say(client, roomId, content, ref) {
  const members = rooms.get(roomId)
  if (!members?.has(client)) return tell(client, { type: 'error', code: 'not_in_room', message: 'you are not in it', ref })
  const { userId, name } = client.user
  const reply = { type: 'message', id: ++lastId, roomId, userId, name, content, timestamp: Date.now(), ref }
  if (keep) await keep(reply)
  broadcast(members, reply)
}

function hear(client, data, isBinary) {
  let message
  try {
    message = isBinary ? {} : JSON.parse(data)
  } catch {
    return tell(client, { type: 'error', code: 'bad_json', message: 'the message is not JSON' })
  }
  const { type, roomId = 'general', content, ref } = message ?? {}
  if (type === 'join' && typeof roomId === 'string') join(client, roomId)
  else if (type === 'leave') leave(client, roomId)
  else if (type === 'message' && typeof content === 'string') say(client, roomId, content, ref)
  else tell(client, { type: 'error', code: 'bad_message', message: 'this is not understood', ref })
}

// Messages are kept one after the other, and so told in their order.
let keep
async function openJournal(path) {
  const file = await open(path, 'a')
  let last = Promise.resolve()
  keep = (reply) => {
    last = last.then(() => file.appendFile(JSON.stringify(reply) + '\n')).then(() => file.datasync())
    return last
  }
}

const server = createServer((_, response) => response.writeHead(404).end())
const sockets = new WebSocketServer({ server, path: '/ws', maxPayload: 64 << 10 })
sockets.on('connection', (client) => {
  const userId = randomUUID()
  client.user = { userId, name: `User_${userId.slice(0, 8)}` }
  client.rooms = new Set()
  client.on('message', (data, isBinary) => hear(client, data, isBinary))
  client.on('close', () => client.rooms.forEach((roomId) => leave(client, roomId)))
  // It closes, too.
  client.on('error', () => {})
  tell(client, { type: 'welcome', ...client.user, token: randomUUID(), rooms: [], resumed: false })
})

async function main() {
  if (values.journal) await openJournal(values.journal)
  const [host, port] = values.listen.split(':')
  server.listen(Number(port), host, () => {
    const { address, port } = server.address()
    console.log(`listening on ${address}:${port}`)
  })
}

main()
