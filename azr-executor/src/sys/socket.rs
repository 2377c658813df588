//! A pair of sockets that keep message borders and can carry one descriptor.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::checked;

#[cfg(any(fuzzing, test))]
pub(crate) mod other_end;

/// Our end of the pair.
pub(crate) struct Channel {
    descriptor: OwnedFd,
}

/// What came.
pub(crate) struct Message {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// The descriptor that came with it.
    pub(crate) descriptor: Option<OwnedFd>,
}

/// The control part of a message with one descriptor. With no room for a second one, the kernel closes all others.
// SAFETY: arithmetic without memory.
const CONTROL_BYTES: usize = unsafe { libc::CMSG_LEN(size_of::<RawFd>() as libc::c_uint) } as usize;

impl Channel {
    /// Our end and the other one.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let mut ends = [0; 2];
        // SAFETY: `ends` has room for the two numbers that the call writes.
        checked(unsafe {
            libc::socketpair(
                libc::AF_UNIX,
                libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC,
                0,
                ends.as_mut_ptr(),
            )
        })?;
        // SAFETY: the call gave us both descriptors and nobody else owns them.
        let [ours, theirs] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        Ok((Self { descriptor: ours }, theirs))
    }

    /// Sends one message whole.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: pointer and length are those of a slice.
        let sent = unsafe {
            libc::send(
                self.descriptor.as_raw_fd(),
                bytes.as_ptr().cast(),
                bytes.len(),
                libc::MSG_NOSIGNAL,
            )
        };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Waits for a message; none when the time is over first. The other end's death is an error.
    pub(crate) fn receive(
        &self,
        bytes_max: usize,
        timeout: Duration,
    ) -> io::Result<Option<Message>> {
        if !wait_readable(self.descriptor.as_fd(), timeout)? {
            return Ok(None);
        }
        let mut bytes = vec![0_u8; bytes_max];
        let mut control = [0_u64; CONTROL_BYTES.div_ceil(8)];
        let mut part = libc::iovec {
            iov_base: bytes.as_mut_ptr().cast(),
            iov_len: bytes.len(),
        };
        // SAFETY: all-zero is a valid header.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = CONTROL_BYTES as _;
        let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
        // SAFETY: the header points to buffers that outlive the call, with their sizes.
        let received =
            unsafe { libc::recvmsg(self.descriptor.as_raw_fd(), &raw mut header, flags) };
        let Ok(received) = usize::try_from(received) else {
            return Err(io::Error::last_os_error());
        };
        // Taken first, so that it is closed when the message is refused.
        let descriptor = carried(&header);
        if received == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        bytes.truncate(received);
        Ok(Some(Message { bytes, descriptor }))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Whether something can be read, or the other end is gone, before the time is over.
pub(super) fn wait_readable(descriptor: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: descriptor.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // Rounded up, so that a wait of less than a millisecond is no busy loop.
    let milliseconds = timeout.as_nanos().div_ceil(1_000_000);
    let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
    // SAFETY: one valid entry, and the length says so.
    match checked(unsafe { libc::poll(&raw mut poll, 1, milliseconds) }) {
        Ok(ready) => Ok(ready != 0),
        // A signal of the embedding program: the caller computes what time is left and waits again.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// The one descriptor in the control part, if there is one.
fn carried(header: &libc::msghdr) -> Option<OwnedFd> {
    // SAFETY: the header was filled by recvmsg, so its control part is well formed and outlives this function.
    unsafe {
        let first = libc::CMSG_FIRSTHDR(header);
        if first.is_null()
            || (*first).cmsg_level != libc::SOL_SOCKET
            || (*first).cmsg_type != libc::SCM_RIGHTS
        {
            return None;
        }
        let raw: libc::c_int = libc::CMSG_DATA(first)
            .cast::<libc::c_int>()
            .read_unaligned();
        // Whoever received the message owns the descriptor.
        Some(OwnedFd::from_raw_fd(raw))
    }
}

#[cfg(test)]
mod tests;
