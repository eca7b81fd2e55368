//! Mask keys from the operating system's generator (RFC 6455, section 10.3: an
//! attacker must not be able to guess them).

/// A pool of random bytes, four of which make one mask key.
///
/// A system call for each frame would cost more than the frame, so the pool is
/// filled in one go and used up from the front.
pub struct MaskKeys {
    pool: Box<[u8]>,
    /// Bytes of `pool` that were handed out; `pool.len()` asks for a refill.
    used: usize,
}

impl MaskKeys {
    /// An empty pool; the first key fills it.
    pub fn new() -> Self {
        Self {
            pool: Box::default(),
            used: 0,
        }
    }

    /// The next key, never handed out before.
    ///
    /// # Errors
    ///
    /// When the operating system has no random numbers to give; a predictable
    /// key in their place would be a security hole.
    pub fn next_key(&mut self) -> Result<[u8; 4], getrandom::Error> {
        if self.used == self.pool.len() {
            self.refill()?;
        }
        let key = &mut self.pool[self.used..self.used + 4];
        self.used += 4;
        let out = [key[0], key[1], key[2], key[3]];
        key.fill(0);
        Ok(out)
    }

    fn refill(&mut self) -> Result<(), getrandom::Error> {
        if self.pool.is_empty() {
            self.pool = vec![0; POOL_BYTES].into_boxed_slice();
            self.used = POOL_BYTES;
        }
        getrandom::fill(&mut self.pool)?;
        self.used = 0;
        Ok(())
    }
}

impl Default for MaskKeys {
    fn default() -> Self {
        Self::new()
    }
}

/// One refill (a system call) for each 2,048 keys.
const POOL_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn hands_out_each_key_once_across_refills() {
        let mut keys = MaskKeys::new();
        let count = POOL_BYTES / 4 * 3;
        let distinct: HashSet<_> = (0..count).map(|_| keys.next_key().unwrap()).collect();
        // 6,144 draws from 2^32: two pairs that meet by chance are beyond doubt a fault.
        assert!(distinct.len() >= count - 2, "{} of {count}", distinct.len());
    }

    #[test]
    fn forgets_a_key_that_was_handed_out() {
        let mut keys = MaskKeys::new();
        keys.next_key().unwrap();
        assert_eq!(keys.pool[..4], [0; 4]);
    }
}
