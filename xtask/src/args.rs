//! The values that several commands' options take.

use std::time::Duration;

use lexopt::ValueExt as _;

/// The value of an option that takes seconds; fractions are welcome, zero is not.
pub(crate) fn seconds(args: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    args.value()?.parse_with(|text| match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 86_400.0 => Ok(Duration::from_secs_f64(value)),
        _ => Err("not a number of seconds above 0"),
    })
}

/// The value of an option that takes a count; zero is an error.
pub(crate) fn positive(args: &mut lexopt::Parser) -> Result<usize, lexopt::Error> {
    args.value()?.parse_with(|text| match text.parse() {
        Ok(value) if value > 0 => Ok(value),
        _ => Err("not a whole number above 0"),
    })
}
