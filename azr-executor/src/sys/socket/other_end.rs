//! The other end of a channel: sends what any process that has it could send. For tests and fuzzing.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Descriptors in one message. The kernel permits 253.
pub(crate) const DESCRIPTORS_MAX: usize = 16;

/// Room for the control part of a message with all of them, in words.
const CONTROL_WORDS: usize = 2 + DESCRIPTORS_MAX.div_ceil(2);

/// Sends one message with at most [`DESCRIPTORS_MAX`] descriptors, without waiting for room.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let raw = &raw[..raw.len().min(DESCRIPTORS_MAX)];
    let mut control = [0_u64; CONTROL_WORDS];
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: all-zero is a valid header.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    if !raw.is_empty() {
        let length = size_of_val(raw) as libc::c_uint;
        header.msg_control = control.as_mut_ptr().cast();
        // SAFETY: arithmetic without memory.
        header.msg_controllen = unsafe { libc::CMSG_SPACE(length) } as _;
        // SAFETY: the control part is aligned, and large enough for its header and the numbers.
        unsafe {
            let first = libc::CMSG_FIRSTHDR(&raw const header);
            (*first).cmsg_level = libc::SOL_SOCKET;
            (*first).cmsg_type = libc::SCM_RIGHTS;
            (*first).cmsg_len = libc::CMSG_LEN(length) as _;
            let data = libc::CMSG_DATA(first).cast::<RawFd>();
            std::ptr::copy_nonoverlapping(raw.as_ptr(), data, raw.len());
        }
    }
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: the header points to buffers that outlive the call, with their sizes.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, flags) };
    if sent < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
