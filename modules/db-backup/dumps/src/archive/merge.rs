//! One archive of several: that of the whole database but for the rows of some
//! tables, and others with just those.

use std::collections::HashMap;

use eyre::{Result, eyre};

use super::{Contents, Numbers};

/// Header and table of contents of an archive that has the rows of `others` as well,
/// with the numbers that they have in it. All are given with what was read of them:
/// header and table of contents. Data must come in this order, as `pg_restore` does
/// not go back.
pub fn merged(
    (whole, contents): (&[u8], &Contents),
    others: &[(&[u8], &Contents)],
) -> Result<(Vec<u8>, Vec<Numbers>)> {
    let ints = contents.ints;
    let tables: HashMap<_, _> = contents
        .of("TABLE")
        .map(|entry| (entry.table(), entry.number))
        .collect();
    let mut number = contents
        .entries
        .iter()
        .map(|entry| entry.number)
        .max()
        .unwrap_or_default();
    let mut added = Vec::new();
    let mut count = contents.entries.len();
    let mut renumbered = Vec::new();
    for (bytes, contents) in others {
        let mut numbers = Numbers::new();
        for entry in contents.of("TABLE DATA") {
            let table = tables.get(&entry.table()).ok_or_else(|| {
                eyre!(
                    "rows of `{}.{}`, which is no table of the dump",
                    entry.schema,
                    entry.name
                )
            })?;
            number += 1;
            count += 1;
            numbers.insert(entry.number, number);
            let before = entry.place.start + ints.written(0).len()..entry.dependencies.start;
            added.extend(ints.written(number));
            added.extend(&bytes[before]);
            added.extend(ints.text(&table.to_string()));
            added.extend(ints.written(-1));
            added.extend(&bytes[entry.dependencies.end..entry.place.end]);
        }
        renumbered.push(numbers);
    }
    let first_after = contents.entries.iter().find(|entry| entry.after_data);
    let at = first_after.map_or(whole.len(), |entry| entry.place.start);
    let merged = [
        &whole[..contents.count.start],
        &ints.written(i64::try_from(count)?),
        &whole[contents.count.end..at],
        &added,
        &whole[at..],
    ]
    .concat();
    Ok((merged, renumbered))
}
