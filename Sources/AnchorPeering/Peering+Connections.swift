import AnchorCore
import AnchorPKI
import AnchorProtocol
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NetworkTypes

/// How connections come to be: accepted, or opened.
extension Peering {
    // MARK: Accepting

    func listen(on address: TransportAddress) async throws -> any Channel {
        do {
            return try await ServerBootstrap(group: eventLoop)
                .serverChannelOption(.backlog, value: 128)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // The address may be on its interface only later, or come and go with it.
                .serverChannelOption(ChannelOptions.Types.SocketOption.freeBind, value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { [weak self] channel in
                    channel.eventLoop.makeCompletedFuture { try self?.accept(channel) }
                }
                .bind(to: try SocketAddress(address)).get()
        } catch {
            throw PeeringError.cannotListen(address, cause: "\(error)")
        }
    }

    /// An error closes the channel, before anything was spent on it.
    private func accept(_ channel: any Channel) throws {
        guard !isStopping, let remote = channel.remoteAddress.flatMap({ TransportAddress($0) }) else {
            throw ChannelError.ioOnClosedChannel
        }
        if let refusal = gate.admit(remote.address, at: .now) {
            refused(refusal, by: remote, nil, "before any cryptography")
            throw ChannelError.ioOnClosedChannel
        }
        let credential = credentials.current
        let check = PeerCheck(credential.authority, .anyOf(names))
        let connection = connection(channel, to: remote, check, wanted: nil)
        halfOpen.insert(ObjectIdentifier(connection))
        try channel.pipeline.syncOperations.addHandlers([
            NIOSSLServerHandler(context: credential.server, customVerificationCallback: { check.verify($0, $1) }),
            connection,
        ])
    }

    private func connection(
        _ channel: any Channel, to remote: TransportAddress?, _ check: PeerCheck, wanted: String?
    ) -> PeerConnection {
        let run = configuration.run
        let hello = PeerHello(
            name: name, boot: run.boot, epoch: run.epoch, router: run.router, endpoints: run.endpoints)
        let connection = PeerConnection(
            channel, to: remote, check: check, wanted: wanted, ownHello: hello.encoded, limits: configuration.limits,
            owner: self)
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    // MARK: Opening

    /// Tries again after a pause, unless there is a session or an attempt.
    func dialAgain(_ name: String) {
        guard !isStopping, let neighbour = neighbours[name], neighbour.connection == nil, neighbour.attempt == nil,
            !neighbour.isDialling
        else { return }
        let pause = neighbours[name]!.backoff.pause()
        dial(name, after: pause)
    }

    func dial(_ name: String, after pause: TimeSpan) {
        neighbours[name]?.attempt = eventLoop.scheduleTask(in: .nanoseconds(pause.nanoseconds)) { [weak self] in
            self?.dial(name)
        }
    }

    private func dial(_ name: String) {
        neighbours[name]?.attempt = nil
        guard !isStopping, let neighbour = neighbours[name], neighbour.connection == nil, !neighbour.isDialling
        else { return }
        neighbours[name]?.isDialling = true
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.nanoseconds(configuration.limits.handshakeTimeout.nanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture { try self?.open(channel, to: name) }
            }
        let target = neighbour.peer.address
        bootstrap.connect(host: target.address.description, port: Int(target.port)).whenFailure { [weak self] error in
            guard let self else { return }
            neighbours[name]?.isDialling = false
            neighbours[name]?.lastFailure = "can't connect to \(target): \(error)"
            dialAgain(name)
        }
    }

    private func open(_ channel: any Channel, to name: String) throws {
        let credential = credentials.current
        let check = PeerCheck(credential.authority, .only(name, among: names))
        let connection = connection(channel, to: neighbours[name]?.peer.address, check, wanted: name)
        neighbours[name]?.dialled = connection
        try channel.pipeline.syncOperations.addHandlers([
            try NIOSSLClientHandler(
                context: credential.client, serverHostname: nil, customVerificationCallback: { check.verify($0, $1) }),
            connection,
        ])
    }

    // MARK: Looking

    /// As it is now.
    public func status() async -> PeeringStatus {
        await withCheckedContinuation { continuation in
            eventLoop.execute { continuation.resume(returning: self.currentStatus) }
        }
    }

    private var currentStatus: PeeringStatus {
        let now = MonotonicInstant.now
        return PeeringStatus(
            name: name, peers: neighbours.keys.sorted().compactMap { neighbours[$0]?.status(at: now) },
            refusals: PeeringRefusal.allCases.map { ($0, refusals[$0, default: 0]) }, halfOpen: gate.pending,
            validUntil: credentials.current.loaded.validUntil)
    }
}

extension ChannelOptions.Types.SocketOption {
    /// IP_FREEBIND of ip(7), for both families: an address that is not on this machine yet may be listened on.
    static var freeBind: ChannelOptions.Types.SocketOption { .init(level: .ip, name: .init(rawValue: 15)) }
}

extension SocketAddress {
    init(_ address: TransportAddress) throws {
        try self.init(ipAddress: address.address.description, port: Int(address.port))
    }
}

extension TransportAddress {
    /// `nil` for what is no IP address. An IPv4 address in IPv6 is IPv4.
    init?(_ address: SocketAddress) {
        guard let text = address.ipAddress, let ip = IPAddress(text), let port = address.port else { return nil }
        self.init(ip, port: UInt16(truncatingIfNeeded: port))
    }
}
