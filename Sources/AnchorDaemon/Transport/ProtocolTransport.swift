import AnchorCore
import AnchorProtocol
import Dispatch
import Glibc
import NetworkTypes

/// The anchor protocol's sockets: both families, with routes and interfaces as the state machines name them.
/// For one serial queue.
final class ProtocolTransport {
    /// The group of the routers of a link (RFC 4291, section 2.7: link-local, transient).
    static let routersGroup = IPAddress("ff12::4346")!
    private static let nodesGroup = IPAddress("ff02::1")!
    private static let broadcast = IPAddress("255.255.255.255")!

    private let port: UInt16
    private let sockets: [DatagramSocket]
    private let interfaces: any InterfaceNumbering
    private var sources: [any DispatchSourceRead] = []
    private let failed: (String) -> Void
    private var lastFailure: String?
    /// Of the first datagram that is queued.
    private var first: AddressFamily?

    /// - Parameters:
    ///   - interfaces: which interface has which number.
    ///   - failed: told what could not be sent, each cause once in a row.
    init(port: UInt16, interfaces: any InterfaceNumbering, failed: @escaping (String) -> Void) throws(DaemonError) {
        self.port = port
        self.interfaces = interfaces
        self.failed = failed
        sockets = [try DatagramSocket(.v4, port: port), try DatagramSocket(.v6, port: port)]
    }

    /// Calls `receive` on `queue` with what arrives, a batch at a time.
    func start(on queue: DispatchQueue, receive: @escaping @Sendable ([Datagram]) -> Void) {
        for socket in sockets {
            // The handler runs on the one queue that all of this is for.
            nonisolated(unsafe) let socket = socket
            nonisolated(unsafe) let transport = self
            let source = DispatchSource.makeReadSource(fileDescriptor: socket.descriptor, queue: queue)
            source.setEventHandler { receive(transport.receive(from: socket)) }
            source.activate()
            sources.append(source)
        }
    }

    func stop() {
        for source in sources { source.cancel() }
        sources = []
    }

    /// Makes the routers' group of the link ours.
    func joinRouters(on interface: UInt32) throws(DaemonError) {
        for socket in sockets where socket.family == .v6 { try socket.join(Self.routersGroup, on: interface) }
    }

    private func receive(from socket: DatagramSocket) -> [Datagram] {
        do throws(DaemonError) {
            return try socket.receive().map { packet in
                Datagram(
                    source: packet.source, sourcePort: packet.sourcePort, destination: packet.destination,
                    interface: interfaces.number(ofKernelIndex: packet.interface), bytes: packet.bytes)
            }
        } catch {
            fail(error.description)
            return []
        }
    }

    /// Queues a datagram; ``flush()`` sends all that are queued, those of one family together, that of the first one before
    /// the other.
    func send(_ datagram: OutgoingDatagram) {
        guard let packet = packet(datagram) else { return }
        let family = packet.destination.family
        first = first ?? family
        for socket in sockets where socket.family == family {
            socket.send(packet) { [weak self] code in
                self?.fail("can't send to \(packet.destination): \(String(cString: strerror(code)))")
            }
        }
    }

    func flush() {
        for socket in sockets where socket.family == first { socket.flush() }
        for socket in sockets { socket.flush() }
        first = nil
    }

    private func packet(_ datagram: OutgoingDatagram) -> OutgoingPacket? {
        let destination: IPAddress
        var source = IPAddress.anyV6
        var interface: UInt32 = 0
        var port = self.port
        switch datagram.route {
        case .unicast(let to, let toPort, let from):
            (destination, port, source) = (to, toPort, from)
        case .neighbour(let to, let toPort, let on):
            guard let index = interfaces.kernelIndex(of: on) else { return nil }
            // Who has no address yet hears what all hear.
            destination = to.isUnspecified ? (to.isV4 ? Self.broadcast : Self.nodesGroup) : to
            (port, interface) = (toPort, index)
            source = interfaces.gateway(on: on, destination.family) ?? source
        case .allNodes(let on, let family):
            guard let index = interfaces.kernelIndex(of: on) else { return nil }
            (destination, interface) = (family == .v4 ? Self.broadcast : Self.nodesGroup, index)
            source = interfaces.gateway(on: on, family) ?? source
        case .allRouters(let on, let family):
            guard let index = interfaces.kernelIndex(of: on) else { return nil }
            (destination, interface) = (family == .v4 ? Self.broadcast : Self.routersGroup, index)
        }
        if source.isUnspecified { source = destination.isV4 ? .anyV4 : .anyV6 }
        return OutgoingPacket(
            destination: destination, port: port, source: source, interface: interface, bytes: datagram.bytes)
    }

    private func fail(_ text: String) {
        guard text != lastFailure else { return }
        lastFailure = text
        failed(text)
    }
}

/// Which interface has which number, and what is known of it.
protocol InterfaceNumbering: AnyObject {
    func number(ofKernelIndex index: UInt32) -> InterfaceID?
    /// `nil` while the interface is away.
    func kernelIndex(of interface: InterfaceID) -> UInt32?
    /// The source of what is sent on the link; `nil`: the kernel chooses. In IPv6 always, so that it is link-local.
    func gateway(on interface: InterfaceID, _ family: AddressFamily) -> IPAddress?
}
