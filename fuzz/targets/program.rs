//! Whatever a program's text is, the static checks say something of it, and what they say agrees.
#![no_main]

use azr_executor::syntax::{
    banned_import, defines_function, denial, is_argument_list, normalized_hash,
};
use azr_executor::{Bans, Denial, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|program: &str| {
    let bans = Bans::paper();
    let banned = banned_import(program, &bans);
    match denial(program, &bans, &Limits::default()) {
        Some(Denial::BannedImport { module }) => assert_eq!(Some(module), banned),
        Some(Denial::SourceTooLarge { .. } | Denial::SourceTooDeep) => {}
        other => assert_eq!((other, banned), (None, None)),
    }
    let hash = normalized_hash(program);
    if hash.is_some() {
        let remarked = format!("# A remark.\n{program}\n# Another.\n");
        assert_eq!(
            hash,
            normalized_hash(&remarked),
            "a comment changes the hash"
        );
    } else {
        let defines = defines_function(program, "f");
        assert!(!defines, "what is no program defines a function");
    }
    is_argument_list(program);
});
