//! Medians, and how far they can be trusted.

use wharf::base::Entropy;

/// A figure with the interval in which it lies with a probability of 95 %.
///
/// ```
/// use wharf_benches::statistics::Estimate;
///
/// let exact = Estimate { value: 1.1, low: 1.1, high: 1.1 };
/// assert_eq!(exact.to_string(), "1.10 (1.10–1.10)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.value, self.low, self.high)
    }
}

/// How often the rounds are drawn anew.
const DRAWS: usize = 1000;

/// The value in the middle, or the mean of the two; of nothing, not a number.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The geometric mean; of nothing, not a number.
#[must_use]
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// The median with its interval, which is between two order statistics: exact whatever the distribution, and never below 95 %
/// from six values on; of fewer it is all of them. `None` without a value.
#[must_use]
pub fn middle(values: &[f64]) -> Option<Estimate> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let outside = outside(sorted.len());
    let (low, high) = (*sorted.get(outside)?, *sorted.get(sorted.len() - 1 - outside)?);
    Some(Estimate { value: median(values), low, high })
}

/// How many of so many values can be left out at each end with the median outside in at most one case of twenty: what `n` tosses
/// of a coin show, each value being above or below the median.
fn outside(n: usize) -> usize {
    let half = -(n as f64) * std::f64::consts::LN_2;
    let (mut log_ways, mut below, mut out) = (0.0, half.exp(), 0);
    while 2 * (out + 1) < n {
        log_ways += ((n - out) as f64 / (out + 1) as f64).ln();
        below += (log_ways + half).exp();
        if below > 0.025 {
            break;
        }
        out += 1;
    }
    out
}

/// The geometric mean of the rows' medians. Each row holds one figure a round, and all are of the same rounds.
///
/// The interval is a percentile bootstrap over the rounds: whole rounds are drawn with replacement, so what disturbed
/// a round disturbs all its rows together, as it did. The draws are the same in each run. `None` without a round.
#[must_use]
pub fn mean_of_medians(rows: &[Vec<f64>]) -> Option<Estimate> {
    let rounds = rows.iter().map(Vec::len).min().filter(|rounds| *rounds > 0)?;
    let mut dice = Entropy::from_seed([0x57; 32]);
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let picks: Vec<usize> = (0..rounds).map(|_| (dice.next_u64() % rounds as u64) as usize).collect();
            figure(rows, &picks)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn[(share * (DRAWS - 1) as f64).round() as usize];
    let value = figure(rows, &(0..rounds).collect::<Vec<_>>());
    Some(Estimate { value, low: at(0.025), high: at(0.975) })
}

fn figure(rows: &[Vec<f64>], picks: &[usize]) -> f64 {
    let medians: Vec<f64> =
        rows.iter().map(|row| median(&picks.iter().map(|round| row[*round]).collect::<Vec<_>>())).collect();
    geometric_mean(&medians)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_middle_is_found() {
        assert!(close(median(&[3.0, 1.0, 2.0]), 2.0));
        assert!(close(median(&[4.0, 1.0, 2.0, 3.0]), 2.5));
        assert!(median(&[]).is_nan());
        assert!(close(geometric_mean(&[1.0, 4.0]), 2.0));
    }

    #[test]
    fn an_interval_holds_its_median_and_leaves_outliers_out() {
        let mut row: Vec<f64> = (0..15).map(|i| 1.0 + f64::from(i) / 100.0).collect();
        row[3] = 90.0;
        let found = middle(&row).unwrap();
        // The fourth and the twelfth of fifteen: 0.9648.
        assert!(close(found.value, 1.08) && close(found.low, 1.04) && close(found.high, 1.12), "{found}");
        assert_eq!(middle(&[]), None);
        assert_eq!(middle(&[2.0]), Some(Estimate { value: 2.0, low: 2.0, high: 2.0 }));
    }

    #[test]
    fn as_many_are_left_out_as_the_tables_say() {
        let known =
            [(1, 0), (2, 0), (5, 0), (6, 0), (8, 0), (9, 1), (12, 2), (15, 3), (20, 5), (30, 9), (100, 39)];
        for (n, out) in known {
            assert_eq!(outside(n), out, "of {n}");
        }
        assert!(outside(10_000) > 4_800);
    }

    #[test]
    fn the_interval_of_a_mean_covers_what_it_should() {
        // 100 samples of 15 rounds of four rows around 1, whose rounds are disturbed together.
        let mut dice = Entropy::from_seed([9; 32]);
        let mut uniform = || (dice.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let missed = (0..100)
            .filter(|_| {
                let rounds: Vec<f64> = (0..15).map(|_| 0.95 + 0.1 * uniform()).collect();
                let mut row = || rounds.iter().map(|round| round * (0.9 + 0.2 * uniform())).collect();
                let rows: Vec<Vec<f64>> = (0..4).map(|_| row()).collect();
                let found = mean_of_medians(&rows).unwrap();
                !(found.low..=found.high).contains(&1.0)
            })
            .count();
        assert!((1..=12).contains(&missed), "{missed} of 100 miss");
    }

    #[test]
    fn rows_count_alike_whatever_their_size() {
        let found = mean_of_medians(&[vec![1.0; 3], vec![100.0; 3]]).unwrap();
        assert!(close(found.value, 10.0) && close(found.low, 10.0));
        let rows = [vec![1.0, 2.0, 5.0, 3.0], vec![3.0, 8.0, 4.0, 1.0]];
        assert_eq!(mean_of_medians(&rows), mean_of_medians(&rows), "it differs from run to run");
        assert_eq!(mean_of_medians(&[]), None);
        assert_eq!(mean_of_medians(&[vec![], vec![1.0]]), None);
    }
}
