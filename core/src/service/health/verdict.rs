//! From results to a state.

/// What is held of an endpoint. The first result counts at once; after it, it takes several in a row that contradict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// `None` before the first result.
    is_healthy: Option<bool>,
    /// Results in a row that contradict the state.
    against: u32,
    /// Failures since the last success.
    failures: u64,
}

impl Verdict {
    /// Takes a result; whether it is worth a line: the state flipped, or the first result was a failure.
    pub(super) fn take(&mut self, success: bool, rise: u32, fall: u32) -> bool {
        self.failures = if success { 0 } else { self.failures.saturating_add(1) };
        match self.is_healthy {
            None => {
                self.is_healthy = Some(success);
                !success
            }
            Some(state) if state == success => {
                self.against = 0;
                false
            }
            Some(_) => {
                self.against += 1;
                let flips = self.against >= if success { rise } else { fall };
                if flips {
                    self.is_healthy = Some(success);
                    self.against = 0;
                }
                flips
            }
        }
    }

    pub(super) fn is_healthy(self) -> bool {
        self.is_healthy == Some(true)
    }

    pub(super) fn failures(self) -> u64 {
        self.failures
    }

    /// Whether the last result contradicts the state.
    pub(super) fn is_moving(self) -> bool {
        self.against > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_at_exactly_the_thresholds() {
        let mut verdict = Verdict::default();
        let mut flips = [true, false, false, true, false, false, false, false, true, false, true, true]
            .map(|success| (verdict.take(success, 2, 3), verdict.is_healthy()));
        assert_eq!(
            flips.map(|(flip, _)| flip),
            [false, false, false, false, false, false, true, false, false, false, false, true]
        );
        flips[6..11].iter_mut().for_each(|(_, is_healthy)| *is_healthy = !*is_healthy);
        assert!(flips.iter().all(|(_, is_healthy)| *is_healthy));
        assert!(!verdict.is_moving() && verdict.failures() == 0);
    }

    #[test]
    fn a_first_failure_is_told_and_a_first_success_is_not() {
        assert!(Verdict::default().take(false, 2, 3));
        assert!(!Verdict::default().take(true, 2, 3));
    }

    #[test]
    fn one_result_flips_where_that_is_asked_for() {
        let mut verdict = Verdict::default();
        let flips = [true, false, true, true, false].map(|success| verdict.take(success, 1, 1));
        assert_eq!(flips, [false, true, true, false, true]);
    }
}
