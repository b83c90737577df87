import AnchorProtocol
import ArgumentParser
import CDatagram
import Glibc
import NetworkTypes

/// All nodes of a stage, each sending from its care-of address and counting what is acknowledged.
final class UpdateLoad {
    private let nodes: Int
    private let descriptor: Int32
    private let associations: [SecurityAssociation]
    private let outgoing: UnsafeMutablePointer<cd_datagram>
    private let incoming: UnsafeMutablePointer<cd_datagram>

    /// Updates that wait for their acknowledgement at once.
    private static let window = 1024

    init(_ stage: UpdateStage) throws {
        nodes = stage.nodes
        associations = try stage.makeAssociations()
        descriptor = try stage.openSocket()
        outgoing = .allocate(capacity: Int(CD_BATCH))
        incoming = .allocate(capacity: Int(CD_BATCH))
        outgoing.initialize(repeating: cd_datagram(), count: Int(CD_BATCH))
        incoming.initialize(repeating: cd_datagram(), count: Int(CD_BATCH))
    }

    deinit {
        close(descriptor)
        outgoing.deallocate()
        incoming.deallocate()
    }

    /// Every node moves once; what is lost is sent again.
    func run(round: UInt32) throws {
        var waiting = Set<Int>()
        var next = 0
        var attempt: UInt32 = 0
        while next < nodes || !waiting.isEmpty {
            var batch: [Int] = []
            while next < nodes, waiting.count < Self.window, batch.count < Int(CD_BATCH) {
                batch.append(next)
                waiting.insert(next)
                next += 1
            }
            send(batch, round, attempt)
            guard try receive(&waiting) == 0, batch.isEmpty else { continue }
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&ready, 1, 500) == 0 {
                attempt += 1
                guard attempt < 10 else { throw ValidationError("\(waiting.count) updates were never acknowledged") }
                for part in 0..<(waiting.count + 63) / 64 {
                    send(Array(waiting.dropFirst(part * 64).prefix(64)), round, attempt)
                }
            }
        }
    }

    private func send(_ batch: [Int], _ round: UInt32, _ attempt: UInt32) {
        guard !batch.isEmpty else { return }
        for (place, node) in batch.enumerated() {
            let careOf = UpdateStage.careOf(node, round)
            let header = MessageHeader(
                spi: associations[node].spi, epoch: 2, sequence: round * 16 + attempt, sender: UInt64(node + 1),
                recipient: UpdateStage.router)
            let update = LocationUpdate(
                address: UpdateStage.address(node), location: .away(careOf: careOf, .ipInIP), lifetime: 600)
            let bytes = AnchorMessage(header, .locationUpdate(update)).encoded(with: associations[node])
            outgoing[place].address(from: careOf, bytes)
        }
        var results = [Int32](repeating: 0, count: batch.count)
        _ = cd_send(descriptor, 4, outgoing, UInt32(batch.count), &results)
    }

    /// - Returns: how many came.
    private func receive(_ waiting: inout Set<Int>) throws -> Int {
        let count = Int(cd_receive(descriptor, incoming))
        for place in 0..<max(0, count) {
            let (type, node) = incoming[place].kind
            guard type == MessageType.locationAck.rawValue else {
                throw ValidationError("an update of node \(node) was answered by a message of type \(type)")
            }
            waiting.remove(node - 1)
        }
        return max(0, count)
    }
}
