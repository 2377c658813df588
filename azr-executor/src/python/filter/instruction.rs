//! The language that filters are written in: classic BPF over the number and the arguments of a system call.

/// One instruction of classic BPF, as the kernel reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    operand: u32,
}

pub(super) const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
pub(super) const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
pub(super) const JUMP_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
pub(super) const JUMP_NOT_LESS: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
pub(super) const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Offsets in `struct seccomp_data`, bytes; arguments are 64 bits wide, little-endian here.
pub(super) const NUMBER: u32 = 0;
pub(super) const ARCHITECTURE: u32 = 4;
pub(super) const fn argument_low(index: u32) -> u32 {
    16 + 8 * index
}
pub(super) const fn argument_high(index: u32) -> u32 {
    argument_low(index) + 4
}

#[cfg(target_arch = "x86_64")]
pub(super) const AUDIT_ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub(super) const AUDIT_ARCHITECTURE: u32 = 0xc000_00b7;

/// Numbers from here on are those of the x32 interface, which has its own numbering.
#[cfg(target_arch = "x86_64")]
pub(super) const FOREIGN_NUMBERS: u32 = 0x4000_0000;
#[cfg(target_arch = "aarch64")]
pub(super) const FOREIGN_NUMBERS: u32 = u32::MAX;

pub(super) const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
pub(super) const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
/// A signal that kills; a worker's tracer sees it first, and may go on with a worker that is not lost.
pub(super) const STOP: u32 = libc::SECCOMP_RET_TRAP;
pub(super) const fn refuse(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno as u32
}

/// A filter as the kernel reads it: an array of `struct sock_filter`.
pub(super) fn bytes(filter: &[Instruction]) -> Vec<u8> {
    let bytes = |instruction: &Instruction| {
        let mut bytes = [0_u8; 8];
        bytes[..2].copy_from_slice(&instruction.code.to_ne_bytes());
        bytes[2] = instruction.jump_true;
        bytes[3] = instruction.jump_false;
        bytes[4..].copy_from_slice(&instruction.operand.to_ne_bytes());
        bytes
    };
    filter.iter().flat_map(bytes).collect()
}

/// What half an argument must be.
#[derive(Clone, Copy)]
pub(super) struct Check {
    offset: u32,
    code: u16,
    operand: u32,
    /// Whether the comparison must hold or must not.
    holds: bool,
}

impl Check {
    pub(super) const fn new(offset: u32, code: u16, operand: u32, holds: bool) -> Self {
        Self {
            offset,
            code,
            operand,
            holds,
        }
    }

    pub(super) const fn equal(offset: u32, operand: u32) -> Self {
        Self::new(offset, JUMP_EQUAL, operand, true)
    }

    pub(super) const fn differs(offset: u32, operand: u32) -> Self {
        Self::new(offset, JUMP_EQUAL, operand, false)
    }

    pub(super) const fn below(offset: u32, operand: u32) -> Self {
        Self::new(offset, JUMP_NOT_LESS, operand, false)
    }
}

/// Allows a call whose arguments pass all checks; otherwise answers so.
pub(super) fn allow_when(rule: &mut Vec<Instruction>, checks: &[Check], otherwise: u32) {
    for (nth, check) in checks.iter().enumerate() {
        let to_otherwise = (2 * (checks.len() - nth) - 1) as u8;
        let (jump_true, jump_false) = if check.holds {
            (0, to_otherwise)
        } else {
            (to_otherwise, 0)
        };
        rule.extend([
            load(check.offset),
            jump(check.code, check.operand, jump_true, jump_false),
        ]);
    }
    rule.extend([answer(ALLOW), answer(otherwise)]);
}

/// Appends a rule for one call. The rule ends every path with an answer.
pub(super) fn on_call(
    filter: &mut Vec<Instruction>,
    call: libc::c_long,
    write_rule: impl FnOnce(&mut Vec<Instruction>),
) {
    let mut rule = Vec::new();
    write_rule(&mut rule);
    let length = rule.len() as u8;
    filter.push(jump(JUMP_EQUAL, call as u32, 0, length));
    filter.append(&mut rule);
}

pub(super) const fn load(offset: u32) -> Instruction {
    Instruction {
        code: LOAD,
        jump_true: 0,
        jump_false: 0,
        operand: offset,
    }
}

pub(super) const fn jump(code: u16, operand: u32, jump_true: u8, jump_false: u8) -> Instruction {
    Instruction {
        code,
        jump_true,
        jump_false,
        operand,
    }
}

pub(super) const fn answer(action: u32) -> Instruction {
    Instruction {
        code: RETURN,
        jump_true: 0,
        jump_false: 0,
        operand: action,
    }
}
