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

/// The median of each row, and the geometric mean of these; a single row is its median. Each row holds one figure a round,
/// and all are of the same rounds.
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
        let found = mean_of_medians(std::slice::from_ref(&row)).unwrap();
        assert!(close(found.value, median(&row)));
        assert!(found.low <= found.value && found.value <= found.high);
        assert!(found.low >= 1.01 && found.high <= 1.14, "{found}");
        assert_eq!(mean_of_medians(&[row]), Some(found), "it differs from run to run");
    }

    #[test]
    fn the_interval_covers_what_it_should() {
        // 200 samples of 15 rounds around 1: about one interval in twenty may miss it.
        let mut dice = Entropy::from_seed([9; 32]);
        let mut uniform = || (dice.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let missed = (0..200)
            .filter(|_| {
                let row: Vec<f64> = (0..15).map(|_| 0.9 + 0.2 * uniform()).collect();
                let found = mean_of_medians(&[row]).unwrap();
                !(found.low..=found.high).contains(&1.0)
            })
            .count();
        assert!((1..=20).contains(&missed), "{missed} of 200 miss");
    }

    #[test]
    fn rows_count_alike_whatever_their_size() {
        let found = mean_of_medians(&[vec![1.0; 3], vec![100.0; 3]]).unwrap();
        assert!(close(found.value, 10.0) && close(found.low, 10.0));
        assert_eq!(mean_of_medians(&[]), None);
        assert_eq!(mean_of_medians(&[vec![], vec![1.0]]), None);
    }
}
