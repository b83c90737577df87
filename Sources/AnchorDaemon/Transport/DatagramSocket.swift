import CDatagram
import Glibc
import NetworkTypes

/// A UDP socket of the anchor protocol for one family, on all of this machine's addresses. For one serial queue.
final class DatagramSocket {
    let family: AddressFamily
    /// Readable when there is something to receive. Owned by the socket.
    let descriptor: Int32
    private let buffer: UnsafeMutablePointer<cd_datagram>
    private var outgoing: [(OutgoingPacket, report: (Int32) -> Void)] = []

    /// Bytes that the kernel keeps until they are received: a flock of nodes at once.
    private static let receiveBuffer: Int32 = 4 << 20

    init(_ family: AddressFamily, port: UInt16) throws(DaemonError) {
        let opened = cd_open(Int32(family.rawValue), port, Self.receiveBuffer)
        guard opened >= 0 else {
            let cause = String(cString: strerror(-opened))
            let text = "UDP port \(port) of IP\(family) can't be used: \(cause)"
            throw -opened == EADDRINUSE ? .inUse(text + "; 'ss -lunp' shows whose it is") : .system(text)
        }
        self.family = family
        descriptor = opened
        buffer = .allocate(capacity: Int(CD_BATCH))
        buffer.initialize(repeating: cd_datagram(), count: Int(CD_BATCH))
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// Takes part in a group on an interface; repeated calls do no harm.
    func join(_ group: IPAddress, on interface: UInt32) throws(DaemonError) {
        let status = group.mappedBytes.withUnsafeBufferPointer { cd_join(descriptor, $0.baseAddress!, interface) }
        guard status == 0 else {
            throw .system("can't join \(group) on interface \(interface): \(String(cString: strerror(-status)))")
        }
    }

    /// What has arrived, up to one batch; ask again until it is empty, or wait for readiness. Never waits.
    func receive() throws(DaemonError) -> [IncomingPacket] {
        let count = cd_receive(descriptor, buffer)
        // Errors of former sends are reported here once and mean nothing for what is received.
        guard count >= 0 else {
            if [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN].contains(-count) { return [] }
            throw .system("receiving on UDP failed: \(String(cString: strerror(-count)))")
        }
        return (0..<Int(count)).compactMap { buffer[$0].is_truncated == 0 ? IncomingPacket(buffer + $0) : nil }
    }

    /// Queues a packet for ``flush()``.
    /// - Parameter report: called with errno where it could not be sent.
    func send(_ packet: OutgoingPacket, report: @escaping (Int32) -> Void = { _ in }) {
        precondition(packet.bytes.count <= Int(CD_LARGEST), "a message is never so long")
        outgoing.append((packet, report))
        if outgoing.count == Int(CD_BATCH) { flush() }
    }

    /// Sends what is queued, in one system call.
    func flush() {
        guard !outgoing.isEmpty else { return }
        var batch: [(OutgoingPacket, report: (Int32) -> Void)] = []
        swap(&batch, &outgoing)
        var results = [Int32](repeating: 0, count: batch.count)
        for (index, entry) in batch.enumerated() { entry.0.write(to: buffer + index) }
        _ = cd_send(descriptor, Int32(family.rawValue), buffer, UInt32(batch.count), &results)
        for (entry, result) in zip(batch, results) where result != 0 { entry.report(result) }
    }
}

/// A datagram as the kernel handed it over.
struct IncomingPacket: Equatable {
    var source: IPAddress
    var sourcePort: UInt16
    var destination: IPAddress
    /// The kernel's index of the interface that it came in by.
    var interface: UInt32
    var bytes: [UInt8]
}

/// A datagram for the kernel.
struct OutgoingPacket: Equatable {
    var destination: IPAddress
    var port: UInt16
    /// Unspecified: the kernel chooses.
    var source: IPAddress
    /// The kernel's index of the interface that it has to go out by; 0: the routing table chooses.
    var interface: UInt32
    var bytes: [UInt8]
}

extension IncomingPacket {
    fileprivate init(_ datagram: UnsafePointer<cd_datagram>) {
        source = withUnsafeBytes(of: datagram.pointee.source) { IPAddress(mapped: $0) }
        destination = withUnsafeBytes(of: datagram.pointee.destination) { IPAddress(mapped: $0) }
        sourcePort = datagram.pointee.source_port
        interface = datagram.pointee.interface
        let start = UnsafeRawPointer(datagram) + MemoryLayout<cd_datagram>.offset(of: \.bytes)!
        bytes = [UInt8](UnsafeRawBufferPointer(start: start, count: Int(datagram.pointee.length)))
    }
}

extension OutgoingPacket {
    fileprivate func write(to datagram: UnsafeMutablePointer<cd_datagram>) {
        withUnsafeMutableBytes(of: &datagram.pointee.source) { $0.copyBytes(from: source.mappedBytes) }
        withUnsafeMutableBytes(of: &datagram.pointee.destination) { $0.copyBytes(from: destination.mappedBytes) }
        datagram.pointee.interface = interface
        datagram.pointee.destination_port = port
        datagram.pointee.length = UInt16(bytes.count)
        withUnsafeMutableBytes(of: &datagram.pointee.bytes) { $0.copyBytes(from: bytes) }
    }
}

extension IPAddress {
    fileprivate init(mapped bytes: UnsafeRawBufferPointer) {
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
}
