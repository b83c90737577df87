import Foundation
import NetworkTypes
import Synchronization

/// What one end of a stream of numbered datagrams is to do.
public struct TrafficOptions: Sendable {
    /// The address to bind to, and its UDP port.
    public var local: IPAddress
    public var localPort: UInt16
    /// Where to send to; `nil` to answer whoever sends first.
    public var remote: IPAddress?
    public var remotePort: UInt16 = 0
    /// Datagrams a second.
    public var rate: Int
    /// Bytes of payload, at least 16.
    public var size = 32

    public init(local: IPAddress, localPort: UInt16, remote: IPAddress?, remotePort: UInt16, rate: Int) {
        (self.local, self.localPort, self.remote, self.remotePort) = (local, localPort, remote, remotePort)
        self.rate = rate
    }
}

/// A datagram that arrived.
public struct Arrival: Hashable, Sendable {
    /// Counted from 0 by its sender.
    public var sequence: UInt64
    /// Nanoseconds of CLOCK_MONOTONIC, the same for all processes of the machine.
    public var time: UInt64
    /// When it was sent, by the same clock.
    public var sent: UInt64
}

/// What one end counted.
public struct TrafficReport: Codable, Hashable, Sendable {
    public var sent = 0
    public var received = 0
    /// Received ones without repetitions.
    public var distinct = 0
    /// Highest sequence number received plus one.
    public var reach = 0
}

/// Sends and receives numbered datagrams on one socket, until SIGTERM; what then is still on its way is awaited.
public struct TrafficEnd {
    private let options: TrafficOptions
    private let socket: Int32
    private var peer: sockaddr_in6?
    private var sent: UInt64 = 0
    private var pace: Pace
    private var arrivals: [Arrival] = []

    public init(_ options: TrafficOptions) throws {
        self.options = options
        pace = Pace(rate: options.rate)
        // One kind of socket for both families: IPv4 in its v4-mapped form.
        socket = Glibc.socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        guard socket >= 0 else { throw LabError.cannotStart("a UDP socket", String(cString: strerror(errno))) }
        // An end that waits for its processor is no loss on the way: what XDP hands on takes a page each.
        var (off, buffer): (Int32, Int32) = (0, 256 << 20)
        setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, 4)
        setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, 4)
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        var address = socketAddress(options.local, options.localPort)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
        guard bound == 0 else {
            throw LabError.cannotStart("UDP on \(options.local)", String(cString: strerror(errno)))
        }
        peer = options.remote.map { socketAddress($0, options.remotePort) }
        arrivals.reserveCapacity(1 << 22)
    }

    /// Runs to the end.
    /// - Parameter recordPath: file for the arrivals, see ``readArrivals(_:)``.
    public mutating func run(recordPath: String?) throws -> TrafficReport {
        signal(SIGTERM) { _ in hasToStop.store(true, ordering: .relaxed) }
        var buffer = [UInt8](repeating: 0, count: max(options.size, 2048))
        let start = monotonicNanoseconds()
        var origin = peer == nil ? nil : start
        while !hasToStop.load(ordering: .relaxed) {
            receive(&buffer)
            if origin == nil, peer != nil { origin = monotonicNanoseconds() }
            if let origin { send(until: monotonicNanoseconds() - origin, &buffer) }
            waitForDatagram(options.rate > 0 ? 200_000 : 10_000_000)
        }
        let end = monotonicNanoseconds()
        while monotonicNanoseconds() - end < 500_000_000 {
            receive(&buffer)
            waitForDatagram(10_000_000)
        }
        close(socket)
        if let recordPath { try write(recordPath) }
        let numbers = Set(arrivals.map(\.sequence))
        return TrafficReport(
            sent: Int(sent), received: arrivals.count, distinct: numbers.count,
            reach: Int((numbers.max() ?? 0)) + (numbers.isEmpty ? 0 : 1))
    }

    /// - Parameter patience: longest wait, in nanoseconds. A millisecond, poll(2)'s shortest, is fifty datagrams.
    private func waitForDatagram(_ patience: Int) {
        var timeout = timespec(tv_sec: 0, tv_nsec: patience)
        var set = fd_set()
        withUnsafeMutableBytes(of: &set) {
            $0.storeBytes(of: 1 << (UInt64(socket) % 64), toByteOffset: Int(socket) / 64 * 8, as: UInt64.self)
        }
        pselect(socket + 1, &set, nil, nil, &timeout, nil)
    }

    private mutating func receive(_ buffer: inout [UInt8]) {
        for _ in 0..<256 {
            var from = sockaddr_in6()
            var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            let count = withUnsafeMutablePointer(to: &from) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(socket, &buffer, buffer.count, 0, $0, &length)
                }
            }
            if count < 0 { return }
            if peer == nil { peer = from }
            guard count >= 16 else { continue }
            let (sequence, sent) = buffer.withUnsafeBytes { bytes in
                (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            arrivals.append(Arrival(sequence: sequence, time: monotonicNanoseconds(), sent: sent))
        }
    }

    /// Sends what is due after so many nanoseconds.
    private mutating func send(until elapsed: UInt64, _ buffer: inout [UInt8]) {
        guard var peer, options.rate > 0 else { return }
        let limit = pace.limit(sent: sent, after: elapsed)
        while sent < limit {
            buffer.withUnsafeMutableBytes {
                $0.storeBytes(of: sent, as: UInt64.self)
                $0.storeBytes(of: monotonicNanoseconds(), toByteOffset: 8, as: UInt64.self)
            }
            let result = withUnsafePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(socket, buffer, options.size, 0, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
            // A full queue or a missing route is not a loss on the way: the number is used again.
            guard result >= 0 else { return }
            sent += 1
        }
    }

    private func write(_ path: String) throws {
        let data = arrivals.withUnsafeBytes { Data($0) }
        try data.write(to: URL(fileURLWithPath: path))
    }

    /// The arrivals that a process has recorded.
    public static func readArrivals(_ path: String) throws -> [Arrival] {
        guard let data = FileManager.default.contents(atPath: path) else { throw LabError.file(path, "not there") }
        return data.withUnsafeBytes { bytes in
            let stride = MemoryLayout<Arrival>.stride
            return (0..<bytes.count / stride).map {
                bytes.loadUnaligned(fromByteOffset: $0 * stride, as: Arrival.self)
            }
        }
    }
}

private let hasToStop = Atomic(false)

/// CLOCK_MONOTONIC.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

private func socketAddress(_ address: IPAddress, _ port: UInt16) -> sockaddr_in6 {
    var result = sockaddr_in6()
    result.sin6_family = sa_family_t(AF_INET6)
    result.sin6_port = port.bigEndian
    withUnsafeMutableBytes(of: &result.sin6_addr) { $0.copyBytes(from: address.mappedBytes) }
    return result
}
