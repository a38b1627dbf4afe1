import Mesh
import Platform
import Wire

/// The sockets at the door: those that listen, and those whose caller has not proved anything yet.
/// Lives on its ``Door``'s thread and is touched nowhere else.
final class DoorLoop {
    private struct Caller {
        let descriptor: Int32
        /// How many bytes the doorman may still want of it.
        var room: Int
    }

    var doorman: Doorman
    private var readiness: Readiness
    private let admit: (Int32, AdmittedConnection) -> Void
    private let wallClock: () -> WallTime
    private let clock: () -> MonotonicInstant

    private var listeners: [UInt64: ListeningSocket] = [:]
    private var callers: [UInt64: Caller] = [:]
    /// Numbers that were never used: below this of listeners, from there of connections.
    private static let firstConnection: UInt64 = 1 << 16
    private var nextConnection = DoorLoop.firstConnection
    /// Until when nobody is let in, because the system has no more descriptors.
    private var pausedUntil: MonotonicInstant?

    init(
        doorman: Doorman, bell: Readiness.Bell, wallClock: @escaping () -> WallTime,
        clock: @escaping () -> MonotonicInstant,
        admit: @escaping (Int32, AdmittedConnection) -> Void
    ) {
        self.doorman = doorman
        self.admit = admit
        self.wallClock = wallClock
        self.clock = clock
        readiness = Readiness(bell: bell)
    }

    /// How many wait at the door.
    var waiting: Int { callers.count }

    func listen(on socket: ListeningSocket) {
        let number = UInt64(listeners.count)
        listeners[number] = socket
        if pausedUntil == nil { readiness.watch(socket.descriptor, as: number) }
    }

    /// Sleeps until there is something to do, and does it.
    func turn() {
        let isIdle = callers.isEmpty && pausedUntil == nil
        for number in readiness.wait(for: isIdle ? nil : MeshTransportLimits.doorTick) {
            if let listener = listeners[number] { accept(on: listener) } else { read(number) }
        }
        guard !callers.isEmpty || pausedUntil != nil else { return }
        let now = clock()
        perform(doorman.tick(at: now))
        if let pausedUntil, now >= pausedUntil { resume() }
    }

    /// Closes everything.
    func end() {
        for listener in listeners.values { readiness.forget(listener.descriptor) }
        listeners = [:]
        for number in Array(callers.keys) { drop(number) }
    }

    // MARK: Connections

    private func accept(on listener: ListeningSocket) {
        for _ in 0..<MeshTransportLimits.acceptsPerTurn {
            switch listener.accept() {
            case .connection(let descriptor, let name):
                let number = nextConnection
                nextConnection += 1
                callers[number] = Caller(
                    descriptor: descriptor,
                    room: LinkLimits.preambleBytes + 2 + LinkLimits.firstMessageBytes)
                let source = AdmissionSource(address: name.parts?.address ?? [])
                perform(doorman.arrived(number, from: source, at: clock()))
                guard callers[number] != nil else { continue }
                readiness.watch(descriptor, as: number)
                // Who dials says its part at once: it is there already, most often.
                read(number)
            case .gone: continue
            case .none: return
            case .exhausted: return pause()
            }
        }
    }

    private func read(_ number: UInt64) {
        // Closed by what came before it in the same turn.
        guard let caller = callers[number] else { return }
        switch StreamSocket.read(caller.descriptor, limit: max(1, caller.room)) {
        case .bytes(let bytes):
            callers[number]?.room -= bytes.count
            perform(doorman.receive(bytes, on: number, at: clock(), wall: wallClock()))
        case .nothing: break
        case .ended: gone(number)
        }
    }

    private func perform(_ effects: [AdmissionEffect]) {
        for effect in effects {
            switch effect {
            case .send(let bytes, let number):
                guard let caller = callers[number] else { continue }
                guard StreamSocket.write(bytes, to: caller.descriptor) else {
                    gone(number)
                    continue
                }
                callers[number]?.room = 2 + LinkLimits.handshakeMessageBytesMax
            case .admit(let admitted):
                guard let caller = callers.removeValue(forKey: admitted.connection) else {
                    continue
                }
                readiness.forget(caller.descriptor)
                admit(caller.descriptor, admitted)
            case .close(let number, _): drop(number)
            }
        }
    }

    /// The caller went away.
    private func gone(_ number: UInt64) {
        drop(number)
        doorman.released(number)
    }

    private func drop(_ number: UInt64) {
        guard let caller = callers.removeValue(forKey: number) else { return }
        readiness.forget(caller.descriptor)
        StreamSocket.close(caller.descriptor)
    }

    // MARK: Descriptors

    /// No more descriptors: those who wait longest make place, and for a moment nobody is let in,
    /// so that this thread does not spin.
    private func pause() {
        for number in callers.keys.sorted().prefix((callers.count + 1) / 2) { gone(number) }
        guard pausedUntil == nil else { return }
        pausedUntil = clock() + MeshTransportLimits.doorPause
        for listener in listeners.values { readiness.forget(listener.descriptor) }
    }

    private func resume() {
        pausedUntil = nil
        for (number, listener) in listeners { readiness.watch(listener.descriptor, as: number) }
    }
}
