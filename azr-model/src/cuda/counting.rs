//! A device that does nothing but count: it hands out addresses, and knows how many bytes it has handed out at most.
//!
//! Whatever runs on it takes the memory that it would take on a GPU, at no cost on the host. What is read back is zeros.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::{DeviceError, Driver, Launch, Source};

/// Addresses are multiples of this, as those of a GPU are.
const ALIGNMENT: u64 = 512;

/// Bytes that are handed out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    count: Arc<Mutex<Count>>,
}

#[derive(Debug, Default)]
struct Count {
    held: usize,
    peak: usize,
}

impl Meter {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that are handed out now.
    pub(crate) fn held(&self) -> usize {
        self.count().held
    }

    /// The most that ever were, or were since [`Self::forget_peak`].
    pub(crate) fn peak(&self) -> usize {
        self.count().peak
    }

    /// Begins a new peak with what is handed out now.
    pub(crate) fn forget_peak(&self) {
        let mut count = self.count();
        count.peak = count.held;
    }

    pub(crate) fn take(&self, bytes: usize) {
        let mut count = self.count();
        count.held += bytes;
        count.peak = count.peak.max(count.held);
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.count().held -= bytes;
    }
}

/// The device.
pub(super) struct Counting {
    meter: Meter,
    next: AtomicU64,
}

impl Counting {
    pub(super) fn new(meter: Meter) -> Self {
        Self {
            meter,
            next: AtomicU64::new(ALIGNMENT),
        }
    }
}

impl Driver for Counting {
    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        self.meter.take(bytes);
        // No piece shares its address with another, not even one without a byte.
        let room = (bytes.max(1) as u64).next_multiple_of(ALIGNMENT);
        Ok(self.next.fetch_add(room, Ordering::Relaxed))
    }

    fn free(&self, _address: u64, bytes: usize) {
        self.meter.give_back(bytes);
    }

    fn write(&self, _from: &[u8], _to: u64) -> Result<(), DeviceError> {
        Ok(())
    }

    fn read(&self, _from: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        to.fill(0);
        Ok(())
    }

    fn clear(&self, _at: u64, _bytes: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    fn copy(&self, _from: u64, _to: u64, _bytes: usize) -> Result<(), DeviceError> {
        Ok(())
    }

    fn launch(&self, _source: &Source, _launch: &Launch<'_>) -> Result<(), DeviceError> {
        Ok(())
    }
}
