//! What is left of environments that have ended.

use super::*;

#[cfg(target_os = "linux")]
mod resources {
    use std::fs;

    use super::*;

    /// Threads called as ours are. A thread takes its name after it has begun, and is on the list
    /// for a moment after it was joined.
    fn threads() -> usize {
        let names = fs::read_dir("/proc/self/task")
            .expect("a list")
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name.trim() == "ferrows-io").count()
    }

    fn descriptors() -> usize {
        fs::read_dir("/proc/self/fd").expect("a list").count()
    }

    #[test]
    fn leaves_no_threads_and_descriptors() {
        let _alone = alone();
        let before = descriptors();
        for round in 0..5 {
            let mut environment = Environment::new(3);
            let pairs: Vec<_> = (0..10).map(|_| tcp_pair()).collect();
            let ids: Vec<_> = pairs
                .iter()
                .map(|(node, _)| environment.insert(node))
                .collect();
            for (_, peer) in &pairs {
                let mut peer = peer;
                peer.write_all(&frame(b"here")).expect("room");
            }
            for _ in 0..10 {
                environment.message();
            }
            until(|| threads() == 3);
            let inserted = descriptors();
            for &id in &ids[..round] {
                environment.remote.remove(id).expect("it is here");
            }
            assert_eq!(descriptors(), inserted - round);
            drop(pairs);
            drop(environment);
            assert_eq!(descriptors(), before);
            until(|| threads() == 0);
        }
    }

    #[test]
    fn starts_a_thread_when_all_have_connections() {
        let _alone = alone();
        let mut environment = Environment::new(2);
        let pairs: Vec<_> = (0..4).map(|_| unix_pair()).collect();
        let first = environment.insert(&pairs[0].0);
        until(|| threads() == 1);
        environment.remote.remove(first).expect("it is here");
        environment.insert(&pairs[1].0);
        // The first to start them has decided how many there are.
        let mut second = Environment::new(7);
        second.insert(&pairs[2].0);
        until(|| threads() == 2);
        second.insert(&pairs[3].0);
        let all = environment.remote.threads.as_ref().expect("some");
        assert_eq!(all.count(), 2);
        drop(environment);
        assert_eq!(threads(), 2);
        drop(second);
        until(|| threads() == 0);
    }
}

#[test]
fn ends_at_any_moment() {
    let _alone = alone();
    let mut random = Random(23);
    for _ in 0..100 {
        let mut environment = Environment::new(2);
        let pairs: Vec<_> = (0..6).map(|_| tcp_pair()).collect();
        let mut peers = Vec::new();
        for (node, peer) in &pairs {
            environment.insert(node);
            let mut peer = peer.try_clone().expect("a descriptor");
            peers.push(thread::spawn(move || {
                let wire = frame(&noise(1000, 1)).repeat(64);
                // Until nobody reads any more.
                while peer.write_all(&wire).is_ok() {}
            }));
        }
        for _ in 0..random.below(300) {
            let (id, payload) = environment.message();
            environment.send(id, &payload);
            if random.below(9) == 0 {
                environment.remote.flush();
            }
        }
        environment.remote.close();
        let wakes = environment.wakes.load(Ordering::SeqCst);
        assert!(environment.poll().is_none());
        let socket = Socket::duplicate(pairs[0].0.as_fd()).expect("a stream");
        assert!(environment.remote.insert(socket, codec()).is_err());
        for (node, _) in &pairs {
            node.shutdown(Shutdown::Both).expect("it is open");
        }
        drop(pairs);
        peers
            .into_iter()
            .for_each(|peer| peer.join().expect("no panic"));
        assert_eq!(environment.wakes.load(Ordering::SeqCst), wakes);
    }
}

#[test]
fn writes_what_the_kernel_takes_before_it_ends() {
    let _alone = alone();
    for _ in 0..50 {
        let mut environment = Environment::new(1);
        let (node, mut peer) = unix_pair();
        let id = environment.insert(&node);
        let mut expected = Vec::new();
        for part in 0..10 {
            encode_frame(&mut expected, &header(None), &[part]);
            environment.send(id, &[part]);
            if part == 4 {
                environment.remote.flush();
            }
        }
        drop(environment);
        drop(node);
        let mut received = Vec::new();
        peer.read_to_end(&mut received).expect("an end");
        assert_eq!(received, expected);
    }
}
