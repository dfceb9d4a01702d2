"""Python's zlib, and the module websockets, as peers of the test deflate_python.rs: a line in, a line out.

    inflate TAKEOVER HEX            the payload of a message, inflated; TAKEOVER 1: in the light of those before
    deflate LEVEL WBITS MEM STRATEGY FLUSH TAKEOVER HEX       the payload, compressed
    answer FIELD                    what the server of websockets answers to an offer
    offer N                         what the client of websockets offers, one of several ways
    check N FIELD                   what that client makes of an answer: "True", or why not
"""
import sys
import zlib

TAIL = b"\x00\x00\xff\xff"
inflater = deflater = None


def inflate(takeover, payload=""):
    global inflater
    if inflater is None or takeover == "0":
        inflater = zlib.decompressobj(-15)
    out = inflater.decompress(bytes.fromhex(payload) + TAIL)
    assert not inflater.unconsumed_tail and not inflater.unused_data
    return out.hex()


def deflate(level, wbits, mem, strategy, flush, takeover, payload=""):
    global deflater
    settings = (int(level), zlib.DEFLATED, -int(wbits), int(mem), int(strategy))
    if takeover == "0" or deflater is None or deflater[0] != settings:
        deflater = (settings, zlib.compressobj(*settings))
    out = deflater[1].compress(bytes.fromhex(payload)) + deflater[1].flush(int(flush))
    assert out.endswith(TAIL)
    return out[:-4].hex()


def clients():
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Client

    return [
        Client(server_no_context_takeover=s, client_no_context_takeover=c, server_max_window_bits=sb, client_max_window_bits=cb)
        for s in (False, True) for c in (False, True) for sb in (None, 9, 15) for cb in (None, True, 9, 15)
    ]


def parse(field):
    from websockets.headers import parse_extension

    return parse_extension(field)


def field_of(params):
    from websockets.headers import build_extension

    return build_extension([("permessage-deflate", params)])


def answer(field):
    from websockets.exceptions import NegotiationError
    from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory as Server

    for name, params in parse(field):
        try:
            return field_of(Server().process_request_params(params, [])[0])
        except NegotiationError:
            pass
    return "none"


def offer(n):
    all_clients = clients()
    return field_of(all_clients[int(n)].get_request_params()) if int(n) < len(all_clients) else "none"


def check(n, field):
    ((name, params),) = parse(field)
    try:
        clients()[int(n)].process_response_params(params, [])
        return "True"
    except Exception as e:
        return repr(e)


for line in sys.stdin:
    command, *arguments = line.rstrip("\n").split("\t")
    print({"inflate": inflate, "deflate": deflate, "answer": answer, "offer": offer, "check": check}[command](*arguments), flush=True)
