//! Why 152 is there.

use crate::reason::Reason;
use crate::reason::Says::Spec;

pub(crate) const REASONS: &[Reason] = &[Reason {
    check: 152,
    says: Spec(
        "section 2 (Errors)",
        "A plugin must exit with a return code of 0 on success, and non-zero on failure.",
    ),
    breaks: "What nobody thought of is what users send. A crash is an attachment half made; a hang holds its
            locks until the runtime's deadline; two documents on stdout cannot be parsed by libcni.",
    wrong:
        "An assertion, an index out of bounds, a wait without an end. Plugins on skel print result and error
            when the random input names their own namespace (81).",
}];
