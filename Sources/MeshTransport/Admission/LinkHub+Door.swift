internal import Mesh
internal import NIOCore
internal import NIOPosix
internal import Platform
internal import Secrets
internal import Trust
internal import Wire

// How connections come from the door's thread to the links'.
extension LinkHub {
    /// The thread at the peer port, started now if it was not.
    func openDoor() throws(SystemError) -> Door {
        if let door { return door }
        guard !isShutDown else { throw SystemError(code: SystemError.noThread) }
        let (loop, hub, ahead) = (loop, NIOLoopBound(self, eventLoop: loop), clockAhead)
        let door = try Door(
            doorman: Doorman(
                genesis: genesis, keys: laneKeys, trust: trust, secret: .random(32)),
            wallClock: wallClock,
            clock: {
                MonotonicInstant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)) + ahead
            },
            admit: { descriptor, admitted in
                loop.execute { hub.value.take(descriptor, admitted) }
            })
        self.door = door
        return door
    }

    /// A connection that the door let in, with its socket.
    private func take(_ descriptor: Int32, _ admitted: AdmittedConnection) {
        guard let connection = accept(admitted) else { return StreamSocket.close(descriptor) }
        let bound = NIOLoopBound(connection, eventLoop: loop)
        linkSocketOptions(ClientBootstrap(group: loop))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ChannelCarrier(bound.value))
                }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { bound.value.neverConnected("\($0)") }
    }
}
