import AnchorPKI
import AnchorProtocol
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

@testable import AnchorPeering

/// Somebody who connects and sends what it likes, over TLS or not.
final class RawClient: Sendable {
    private let channel: any Channel
    private let collector: Collector

    /// What came back so far, and whether the connection is still there.
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let bytes = Mutex<[UInt8]>([])
        let isClosed = Mutex(false)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            let read = buffer.readBytes(length: buffer.readableBytes) ?? []
            bytes.withLock { $0 += read }
        }

        func channelInactive(context: ChannelHandlerContext) { isClosed.withLock { $0 = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    struct TLS {
        var credential: Credential?
        var minimum = TLSVersion.tlsv13
        var maximum = TLSVersion.tlsv13
    }

    init(_ address: TransportAddress, _ tls: TLS?) async throws {
        let collector = Collector()
        var context: NIOSSLContext?
        if let tls {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.minimumTLSVersion = tls.minimum
            configuration.maximumTLSVersion = tls.maximum
            if let credential = tls.credential {
                configuration.certificateChain = [
                    .certificate(
                        try NIOSSLCertificate(bytes: Array(credential.certificatePEM.utf8), format: .pem))
                ]
                configuration.privateKey = .privateKey(
                    try NIOSSLPrivateKey(bytes: Array(credential.keyPEM.utf8), format: .pem))
            }
            context = try NIOSSLContext(configuration: configuration)
        }
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            try NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(collector)
                }
            }
            .connect(host: address.address.description, port: Int(address.port)).get()
        self.collector = collector
    }

    var received: [UInt8] { collector.bytes.withLock { $0 } }
    var isClosed: Bool { collector.isClosed.withLock { $0 } }

    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func send(_ type: UInt8, _ payload: [UInt8] = []) {
        send(bigEndian(PeerFrameHeader(type: type, payloadLength: payload.count).bits) + payload)
    }

    func close() { channel.close(promise: nil) }
}

func bigEndian(_ bits: UInt64) -> [UInt8] { withUnsafeBytes(of: bits.bigEndian) { Array($0) } }
