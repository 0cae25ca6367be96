//! Rows of a table: how many, and a checksum that does not depend on their order.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::Rows;

/// The sum of the hashes of rows. A server may give the rows of a table in
/// another order after it was restored.
#[derive(Default)]
pub struct RowSum {
    rows: u64,
    sum: u128,
    /// Of a row that came in pieces so far.
    begun: Option<Box<Xxh3>>,
}

impl RowSum {
    /// A piece of a row.
    pub fn part(&mut self, bytes: &[u8]) {
        self.begun.get_or_insert_default().update(bytes);
    }

    /// The last piece of a row.
    pub fn end(&mut self, bytes: &[u8]) {
        let hash = match self.begun.take() {
            None => xxh3_128(bytes),
            Some(mut begun) => {
                begun.update(bytes);
                begun.digest128()
            }
        };
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash);
    }

    pub fn finish(&self) -> Rows {
        Rows {
            rows: self.rows,
            checksum: format!("{:032x}", self.sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[&str]]) -> Rows {
        let mut sum = RowSum::default();
        for row in rows {
            let (last, parts) = row.split_last().unwrap();
            parts.iter().for_each(|part| sum.part(part.as_bytes()));
            sum.end(last.as_bytes());
        }
        sum.finish()
    }

    #[test]
    fn neither_order_nor_pieces_matter() {
        assert_eq!(sum(&[&["ab"], &["c"]]), sum(&[&["c"], &["a", "", "b"]]));
    }

    #[test]
    fn every_row_matters() {
        assert_ne!(sum(&[&["ab"], &["c"]]), sum(&[&["a"], &["bc"]]));
        assert_ne!(sum(&[&["a"], &["a"]]), sum(&[&["b"], &["b"]]));
        assert_ne!(sum(&[&[""]]), sum(&[]));
    }
}
