internal import Mesh
internal import NIOCore
internal import Wire

/// A socket's channel as the carrier of one connection.
final class ChannelCarrier: ChannelInboundHandler, LinkCarrier {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: LinkConnection
    private var context: ChannelHandlerContext?

    init(_ connection: LinkConnection) { self.connection = connection }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.carried(by: self)
    }

    func channelActive(context: ChannelHandlerContext) {
        connection.carrierBegan()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.carrierReceived(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) { connection.pump() }

    func channelWritabilityChanged(context: ChannelHandlerContext) { connection.pump() }

    func channelInactive(context: ChannelHandlerContext) {
        connection.carrierEnded("the connection ended without a close")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.carrierEnded("\(error)")
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connection.carrierEnded("the connection ended")
        self.context = nil
    }

    // MARK: LinkCarrier

    var isWritable: Bool { context?.channel.isWritable ?? false }

    var isActive: Bool { context?.channel.isActive ?? false }

    var allocator: ByteBufferAllocator { context?.channel.allocator ?? ByteBufferAllocator() }

    func write(_ bytes: ByteBuffer) { context?.write(wrapOutboundOut(bytes), promise: nil) }

    func flush() { context?.flush() }

    func carriesBulk() {
        guard let options = context?.channel.syncOptions else { return }
        // Where an option can't be set, it is only slower.
        try? options.setOption(.writeBufferWaterMark, value: MeshTransportLimits.bulkWriteBuffer)
        try? options.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(
                minimum: 1024, initial: 2048, maximum: MeshTransportLimits.bulkReadBytes))
        // Then others on this loop have their turn.
        try? options.setOption(.maxMessagesPerRead, value: 1)
    }

    func close() { context?.close(promise: nil) }

    func close(after last: ByteBuffer) {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        // The close should arrive; a peer that does not read is not waited for long.
        context.eventLoop.scheduleTask(in: .nanoseconds(LinkLimits.closeFlush.nanoseconds)) {
            bound.value.close(promise: nil)
        }
        connection.hub.lingers(until: context.channel.closeFuture)
        // What the peer sent and nobody read would have the system end the connection with a reset
        // (RFC 2525, 2.17), which takes the last record with it. So it is read, and thrown away,
        // until the peer ends its side.
        context.writeAndFlush(wrapOutboundOut(last)).whenComplete { outcome in
            guard case .success = outcome else { return bound.value.close(promise: nil) }
            bound.value.close(mode: .output, promise: nil)
        }
    }
}
