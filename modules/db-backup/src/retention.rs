//! Which backups stay: the last ones, and one a day, week and month.

use std::collections::BTreeSet;

use jiff::civil::DateTime;

/// How many of each; what is none of them goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    pub last: u32,
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
}

impl Retention {
    pub fn of(
        last: Option<u32>,
        daily: Option<u32>,
        weekly: Option<u32>,
        monthly: Option<u32>,
    ) -> Self {
        Self {
            last: last.unwrap_or_default(),
            daily: daily.unwrap_or_default(),
            weekly: weekly.unwrap_or_default(),
            monthly: monthly.unwrap_or_default(),
        }
    }

    /// Whether nothing was asked for, so nothing goes.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Of backups made at these times, the indexes of those that go. The newest
    /// never does.
    pub fn goes(&self, made: &[DateTime]) -> Vec<usize> {
        if self.is_none() {
            return Vec::new();
        }
        let mut newest_first: Vec<usize> = (0..made.len()).collect();
        newest_first.sort_unstable_by(|&a, &b| made[b].cmp(&made[a]).then(b.cmp(&a)));
        let mut stays: BTreeSet<usize> = newest_first.iter().take(1).copied().collect();
        stays.extend(newest_first.iter().take(self.last as usize));
        // Of a day, the last backup; days without any do not count.
        let mut of_each = |count: u32, period: &dyn Fn(DateTime) -> (i16, i16)| {
            let mut seen = BTreeSet::new();
            for &index in &newest_first {
                if seen.len() == count as usize {
                    break;
                }
                if seen.insert(period(made[index])) {
                    stays.insert(index);
                }
            }
        };
        of_each(self.daily, &|at| (at.year(), at.day_of_year()));
        of_each(self.weekly, &|at| {
            let week = at.date().iso_week_date();
            (week.year(), week.week().into())
        });
        of_each(self.monthly, &|at| (at.year(), at.month().into()));
        (0..made.len())
            .filter(|index| !stays.contains(index))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two a day, for so many days back from 2026-03-01.
    fn days(count: i64) -> Vec<DateTime> {
        let last = DateTime::constant(2026, 3, 1, 0, 0, 0, 0);
        (0..count)
            .rev()
            .flat_map(|day| {
                let date = last.saturating_sub(jiff::Span::new().days(day));
                [3, 15].map(|hour| date.with().hour(hour).build().unwrap())
            })
            .collect()
    }

    fn stays(retention: Retention, made: &[DateTime]) -> Vec<String> {
        let goes = retention.goes(made);
        (0..made.len())
            .filter(|index| !goes.contains(index))
            .map(|index| made[index].strftime("%m-%d %H").to_string())
            .collect()
    }

    #[test]
    fn nothing_asked_for_keeps_all() {
        assert!(Retention::default().goes(&days(9)).is_empty());
    }

    #[test]
    fn the_last_of_each_day_week_and_month_stays() {
        let made = days(70);
        let only = |last, daily, weekly, monthly| Retention {
            last,
            daily,
            weekly,
            monthly,
        };
        assert_eq!(
            stays(only(3, 0, 0, 0), &made),
            ["02-28 15", "03-01 03", "03-01 15"]
        );
        assert_eq!(stays(only(0, 2, 0, 0), &made), ["02-28 15", "03-01 15"]);
        // 1 March 2026 is a Sunday, the last day of its week.
        assert_eq!(stays(only(0, 0, 2, 0), &made), ["02-22 15", "03-01 15"]);
        assert_eq!(
            stays(only(0, 0, 0, 3), &made),
            ["01-31 15", "02-28 15", "03-01 15"]
        );
        assert_eq!(
            stays(only(1, 2, 2, 2), &made),
            ["02-22 15", "02-28 15", "03-01 15"]
        );
    }

    #[test]
    fn the_newest_stays_whatever_is_asked() {
        let one = days(1);
        let retention = Retention {
            monthly: 1,
            ..Retention::default()
        };
        assert_eq!(stays(retention, &one), ["03-01 15"]);
        assert!(retention.goes(&one[..1]).is_empty());
        assert!(retention.goes(&[]).is_empty());
    }

    #[test]
    fn it_does_not_matter_in_which_order_they_are_listed() {
        let mut made = days(40);
        let retention = Retention {
            last: 2,
            daily: 3,
            weekly: 2,
            monthly: 2,
        };
        let mut sorted = stays(retention, &made);
        made.reverse();
        let mut reversed = stays(retention, &made);
        sorted.sort();
        reversed.sort();
        assert_eq!(sorted, reversed);
    }
}
