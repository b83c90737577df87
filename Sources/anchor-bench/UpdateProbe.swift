import AnchorProtocol
import ArgumentParser
import CDatagram
import Glibc
import NetworkTypes

/// One update at a time, each from another node at another care-of address: how soon the router answers.
final class UpdateProbe {
    private let descriptor: Int32
    private let associations: [SecurityAssociation]
    private let datagrams: UnsafeMutablePointer<cd_datagram>
    private var count = 0

    init(_ stage: UpdateStage) throws {
        associations = try stage.makeAssociations()
        descriptor = try stage.openSocket()
        datagrams = .allocate(capacity: Int(CD_BATCH))
        datagrams.initialize(repeating: cd_datagram(), count: Int(CD_BATCH))
    }

    deinit {
        close(descriptor)
        datagrams.deallocate()
    }

    /// Updates for so long, with a pause of a millisecond between an answer and the next.
    /// - Returns: how long each took to be acknowledged, in milliseconds.
    func run(for span: Duration) throws -> [Double] {
        let end = ContinuousClock.now + span
        var waits: [Double] = []
        while ContinuousClock.now < end {
            waits.append(try update(every: .seconds(1)) * 1000)
            poll(nil, 0, 1)
        }
        return waits
    }

    /// Moves the next node.
    /// - Parameter retry: after so long without an answer it is sent again.
    /// - Returns: seconds from the first time it was sent until it was acknowledged.
    @discardableResult
    func update(every retry: Duration) throws -> Double {
        let node = count % associations.count
        count += 1
        let start = ContinuousClock.now
        for attempt in 0..<10_000 {
            send(node, UInt32(count << 14 | attempt))
            let end = ContinuousClock.now + retry
            while ContinuousClock.now < end {
                var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = poll(&ready, 1, Int32(max(1, retry.inSeconds * 1000)))
                if try isAcknowledged(node) { return (ContinuousClock.now - start).inSeconds }
            }
        }
        throw ValidationError("an update of node \(node + 1) was never acknowledged")
    }

    private func send(_ node: Int, _ sequence: UInt32) {
        let careOf = UpdateStage.careOf(node, sequence)
        let header = MessageHeader(
            spi: associations[node].spi, epoch: 3, sequence: sequence, sender: UInt64(node + 1),
            recipient: UpdateStage.router)
        let update = LocationUpdate(
            address: UpdateStage.address(node), location: .away(careOf: careOf, .ipInIP), lifetime: 0)
        let bytes = AnchorMessage(header, .locationUpdate(update)).encoded(with: associations[node])
        datagrams.pointee.address(from: careOf, bytes)
        var result: Int32 = 0
        _ = cd_send(descriptor, 4, datagrams, 1, &result)
    }

    private func isAcknowledged(_ node: Int) throws -> Bool {
        var isAcknowledged = false
        for place in 0..<max(0, Int(cd_receive(descriptor, datagrams))) {
            let (type, receiver) = datagrams[place].kind
            if type == MessageType.locationAck.rawValue, receiver == node + 1 { isAcknowledged = true }
        }
        return isAcknowledged
    }
}

extension cd_datagram {
    /// To the router of the stage.
    mutating func address(from careOf: IPAddress, _ bytes: [UInt8]) {
        withUnsafeMutableBytes(of: &source) { $0.copyBytes(from: careOf.mappedBytes) }
        withUnsafeMutableBytes(of: &destination) { $0.copyBytes(from: UpdateStage.endpoint.mappedBytes) }
        interface = 0
        destination_port = AnchorMessage.port
        length = UInt16(bytes.count)
        withUnsafeMutableBytes(of: &self.bytes) { $0.copyBytes(from: bytes) }
    }

    /// The message's type, and the node that it is for.
    var kind: (type: UInt8, node: Int) {
        withUnsafeBytes(of: bytes) { bytes in (bytes[3], bytes[28..<36].reduce(0) { $0 << 8 | Int($1) }) }
    }
}
