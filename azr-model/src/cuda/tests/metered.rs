//! A driver with a meter before it, for tests that compare what is planned with what is taken.

use crate::cuda::{DeviceError, Driver, Launch, Meter, Source};

/// A driver, and what it hands out.
pub(super) struct Metered<D: Driver> {
    driver: D,
    meter: Meter,
}

impl<D: Driver> Metered<D> {
    pub(super) fn new(driver: D, meter: Meter) -> Self {
        Self { driver, meter }
    }
}

impl<D: Driver> Driver for Metered<D> {
    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        let address = self.driver.allocate(bytes)?;
        self.meter.take(bytes);
        Ok(address)
    }

    fn free(&self, address: u64, bytes: usize) {
        self.meter.give_back(bytes);
        self.driver.free(address, bytes);
    }

    fn write(&self, from: &[u8], to: u64) -> Result<(), DeviceError> {
        self.driver.write(from, to)
    }

    fn read(&self, from: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        self.driver.read(from, to)
    }

    fn clear(&self, at: u64, bytes: usize) -> Result<(), DeviceError> {
        self.driver.clear(at, bytes)
    }

    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<(), DeviceError> {
        self.driver.copy(from, to, bytes)
    }

    fn launch(&self, source: &Source, launch: &Launch<'_>) -> Result<(), DeviceError> {
        self.driver.launch(source, launch)
    }
}
