import NIOCore
import NIOHTTPTypes
import Synchronization

/// Tells the request that a connection is serving that its client has gone.
///
/// The end of the client's side counts as gone: a closed socket and one closed for writing
/// only look the same until something is written.
final class ConnectionWatch: Sendable {
    private struct State {
        var isGone = false
        var registrations = 0
        var action: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Calls `action` when the client goes, at once if it has gone. A connection serves one
    /// request at a time, so one action is kept; the number removes it again.
    func whenGone(_ action: @escaping @Sendable () -> Void) -> Int {
        let (number, isGone) = state.withLock { state in
            state.registrations += 1
            if !state.isGone { state.action = action }
            return (state.registrations, state.isGone)
        }
        if isGone { action() }
        return number
    }

    /// Forgets the action of that number, unless a newer one has taken its place.
    func forget(_ number: Int) {
        state.withLock { state in
            if state.registrations == number { state.action = nil }
        }
    }

    /// The client has gone.
    func gone() {
        let action = state.withLock { state in
            state.isGone = true
            defer { state.action = nil }
            return state.action
        }
        action?()
    }
}

/// The watches of the open connections.
final class Connections: Sendable {
    private let watches = Mutex<[ObjectIdentifier: ConnectionWatch]>([:])

    /// The watch of a connection; nil for a channel that is not one of the server's own.
    func watch(of channel: any Channel) -> ConnectionWatch? {
        watches.withLock { $0[ObjectIdentifier(channel)] }
    }

    fileprivate func add(_ channel: any Channel) {
        watches.withLock { $0[ObjectIdentifier(channel)] = ConnectionWatch() }
    }

    fileprivate func remove(_ channel: any Channel) {
        watches.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }?.gone()
    }
}

/// Keeps a connection's entry in ``Connections``, sees its end, and gives up a request that is still
/// arriving when the node stops: nobody may hold it up by half a request. It must be in the pipeline
/// before Hummingbird's own handlers, which do not pass every event on.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart

    private let connections: Connections
    /// Whether a request has begun to arrive and has not ended.
    private var isArriving = false
    private var isStopping = false

    init(connections: Connections) { self.connections = connections }

    func handlerAdded(context: ChannelHandlerContext) { connections.add(context.channel) }

    func handlerRemoved(context: ChannelHandlerContext) { connections.remove(context.channel) }

    func channelInactive(context: ChannelHandlerContext) {
        connections.watch(of: context.channel)?.gone()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isArriving = true
            if isStopping { closeUnlessWhole(context) }
        case .body: break
        case .end: isArriving = false
        }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            connections.watch(of: context.channel)?.gone()
        }
        if event is ChannelShouldQuiesceEvent {
            isStopping = true
            if isArriving { closeUnlessWhole(context) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func closeUnlessWhole(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let patience = TimeAmount.seconds(Int64(NodeAPILimits.unfinishedRequestSeconds))
        context.eventLoop.scheduleTask(in: patience) {
            let (handler, context) = bound.value
            if handler.isArriving { context.close(promise: nil) }
        }
    }
}
