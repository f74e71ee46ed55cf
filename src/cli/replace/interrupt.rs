//! Being told to end while files are written: what is begun is finished, and what waits is taken away.
//!
//! Law: the program ends as the signal asks; a second one ends it at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// From its making to its end signals to end the program are only noted.
pub struct Interrupt {
    /// Zero if none came.
    signal: Arc<AtomicUsize>,
    at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// Notes signals from here on. Where that cannot be, they end the program as ever: then files that
    /// wait beside others may stay.
    pub fn watch() -> Self {
        let interrupt = Interrupt {
            signal: Arc::default(),
            at_once: Arc::default(),
        };
        let _ = interrupt.register();
        interrupt
    }

    #[cfg(unix)]
    fn register(&self) -> io::Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;

        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal is noted, the next one obeyed.
            flag::register_conditional_default(signal, Arc::clone(&self.at_once))?;
            flag::register(signal, Arc::clone(&self.at_once))?;
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&self.signal), number)?;
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn register(&self) -> io::Result<()> {
        Ok(())
    }

    /// Whether a signal came.
    pub fn came(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// Ends the program as the signal asks, if one came.
    pub fn obey(&self) {
        #[cfg(unix)]
        if let Ok(signal @ 1..) = i32::try_from(self.signal.load(Ordering::Relaxed)) {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.at_once.store(true, Ordering::Relaxed);
    }
}
