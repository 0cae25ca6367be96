//! Measurements, and the table of them.

use eyre::Result;

/// Repeated measurements of one thing, sorted. Never empty.
#[derive(Clone, Debug)]
pub struct Series(Vec<f64>);

/// What must hold for the median.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    Seconds(f64),
    Megabytes(f64),
    /// As a multiple of the reference's median.
    Times(f64),
}

/// A line of the table.
pub struct Row {
    pub name: &'static str,
    pub ours: Series,
    /// The same work by hand.
    pub reference: Option<Series>,
    pub bound: Bound,
}

/// Measures several things in turns, after one round of each that does not count.
pub fn in_turns<const N: usize>(
    rounds: usize,
    mut measure: [&mut dyn FnMut() -> Result<f64>; N],
) -> Result<[Series; N]> {
    let mut samples = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (measure, samples) in measure.iter_mut().zip(&mut samples) {
            let sample = measure()?;
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(samples.map(Series::new))
}

impl Series {
    pub fn new(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }

    fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        let Self(samples) = self;
        let at = |index: usize| samples.get(index).copied().unwrap_or(f64::NAN);
        let middle = samples.len() / 2;
        if samples.len() % 2 == 1 {
            at(middle)
        } else {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        }
    }

    /// The one of the two that takes longer.
    pub fn worse(self, other: Self) -> Self {
        if other.median() > self.median() {
            other
        } else {
            self
        }
    }

    fn shown(&self, unit: &str) -> String {
        format!(
            "{:.3} / {:.3} / {:.3} {unit}",
            self.min(),
            self.median(),
            self.max()
        )
    }
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.reference
            .as_ref()
            .map(|reference| self.ours.median() / reference.median())
    }

    fn holds(&self) -> bool {
        match self.bound {
            Bound::Seconds(limit) | Bound::Megabytes(limit) => self.ours.median() <= limit,
            Bound::Times(limit) => self.ratio().is_some_and(|ratio| ratio <= limit),
        }
    }

    fn cells(&self) -> [String; 6] {
        let (unit, bound) = match self.bound {
            Bound::Seconds(limit) => ("s", format!("{limit} s")),
            Bound::Megabytes(limit) => ("MB", format!("{limit} MB")),
            Bound::Times(limit) => ("s", format!("{limit} x")),
        };
        [
            self.name.to_owned(),
            self.ours.shown(unit),
            self.reference
                .as_ref()
                .map(|reference| reference.shown(unit))
                .unwrap_or_default(),
            self.ratio()
                .map(|ratio| format!("{ratio:.2} x"))
                .unwrap_or_default(),
            bound,
            if self.holds() { "PASS" } else { "MISS" }.to_owned(),
        ]
    }
}

/// The table, with a line for each row.
pub fn table(rows: &[Row]) -> String {
    let head = [
        "",
        "poniard: min / median / max",
        "by hand: min / median / max",
        "ratio",
        "bound",
        "",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 6] = std::array::from_fn(|column| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    });
    let mut table = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        table.push_str(cells.join("  ").trim_end());
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: &[f64], reference: Option<&[f64]>, bound: Bound) -> Row {
        let series = |samples: &[f64]| Series::new(samples.to_vec());
        Row {
            name: "it",
            ours: series(ours),
            reference: reference.map(series),
            bound,
        }
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(Series::new(vec![9.0, 1.0, 2.0, 4.0]).median(), 3.0);
        assert_eq!(Series::new(vec![9.0, 1.0, 2.0]).median(), 2.0);
    }

    #[test]
    fn the_median_decides_not_the_extremes() {
        assert!(row(&[0.09, 0.08, 5.0], None, Bound::Seconds(0.1)).holds());
        assert!(!row(&[0.01, 0.11, 0.12], None, Bound::Seconds(0.1)).holds());
    }

    #[test]
    fn a_multiple_is_of_the_median_of_the_reference() {
        let bound = Bound::Times(1.1);
        assert!(row(&[1.0], Some(&[0.5, 1.0, 2.0]), bound).holds());
        assert!(!row(&[1.2], Some(&[0.5, 1.0, 2.0]), bound).holds());
    }

    #[test]
    fn the_first_round_does_not_count() {
        let (mut a, mut b) = (0.0, 10.0);
        let mut first = || {
            a += 1.0;
            Ok(a)
        };
        let mut second = || {
            b += 1.0;
            Ok(b)
        };
        let [first, second] = in_turns(3, [&mut first, &mut second]).expect("measurements");
        assert_eq!((first.min(), first.max(), second.min()), (2.0, 4.0, 12.0));
    }

    #[test]
    fn the_table_says_whether_each_bound_is_kept() {
        let table = table(&[
            row(&[0.05], None, Bound::Seconds(0.1)),
            row(&[4.0], Some(&[1.0]), Bound::Times(3.0)),
        ]);
        let lines: Vec<&str> = table.lines().collect();
        assert!(
            lines[1].ends_with("PASS") && lines[2].ends_with("MISS"),
            "{table}"
        );
        assert!(lines[2].contains("4.00 x  3 x"), "{table}");
    }
}
