//! What a panic said.

use std::any::Any;

/// The text of a panic that was caught, as adapters tell it: who panics with something else than a text says nothing that can be
/// told.
///
/// ```
/// let panic = std::panic::catch_unwind(|| std::panic::panic_any("it must not")).unwrap_err();
/// assert_eq!(wharf_std::text_of_panic(&*panic), "it must not");
/// let panic = std::panic::catch_unwind(|| std::panic::panic_any(7)).unwrap_err();
/// assert_eq!(wharf_std::text_of_panic(&*panic), "a panic without a text");
/// ```
#[must_use]
pub fn text_of_panic(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a text")
}
