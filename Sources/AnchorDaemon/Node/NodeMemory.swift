import AnchorCore
import ControlAPI
import Dispatch
import Foundation
import NetworkTypes
import Synchronization

/// What a mobile node remembers of its anchors over a restart. Nothing waits for it: written behind its back.
///
/// For one serial queue; what is handed to the writer's is a copy.
final class NodeMemory: @unchecked Sendable {
    private let path: String
    private let epochs: EpochFile
    private let failed: @Sendable (String) -> Void
    private let writer = DispatchQueue(label: "flowanchor.memory")
    private var records: [IPAddress: MobileNodeRecord] = [:]
    /// What is to be written before long.
    private let pending = Mutex<[MobileNodeRecord]?>(nil)

    /// A move changes several records, and the disk may be one that others wait for in that moment.
    private static let gatheringSpan = DispatchTimeInterval.milliseconds(10)

    /// - Parameter folder: the state directory.
    init(folder: String, failed: @escaping @Sendable (String) -> Void) throws(DaemonError) {
        path = folder + "/anchors.json"
        epochs = EpochFile(path: folder + "/mobile-node.epoch")
        self.failed = failed
        guard let bytes = try StateFile.read(path) else { return }
        // Addresses of flows that are lost anyway are no reason not to start.
        guard let stored = try? JSONDecoder().decode([MobileNodeRecord].self, from: Data(bytes)) else {
            failed("\(path) can't be understood and is not used")
            return
        }
        records = Dictionary(stored.map { ($0.address, $0) }) { _, last in last }
    }

    var all: [MobileNodeRecord] { records.values.sorted { $0.address < $1.address } }

    func nextEpoch() throws(DaemonError) -> UInt32 { try epochs.next() }

    func remember(_ record: MobileNodeRecord) {
        records[record.address] = record
        store()
    }

    func forget(_ address: IPAddress) {
        records[address] = nil
        store()
    }

    func rememberEpoch(_ epoch: UInt32) {
        writer.async { self.attempt { () throws(DaemonError) in try self.epochs.store(epoch) } }
    }

    /// Waits until all is stored.
    func drain() { writer.sync { write() } }

    private func store() {
        let all = all
        let isDue = pending.withLock { pending in
            defer { pending = all }
            return pending != nil
        }
        guard !isDue else { return }
        writer.asyncAfter(deadline: .now() + Self.gatheringSpan) { self.write() }
    }

    /// For the writer.
    private func write() {
        guard let records = pending.withLock({ $0.take() }), let data = try? JSONEncoder.control.encode(records) else {
            return
        }
        attempt { () throws(DaemonError) in try StateFile.write(Array(data), to: path) }
    }

    private func attempt(_ work: () throws(DaemonError) -> Void) {
        do { try work() } catch { failed(error.description) }
    }
}
