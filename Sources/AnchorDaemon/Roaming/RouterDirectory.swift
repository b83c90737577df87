import AnchorDataPlane
import Foundation
import NetworkTypes

/// The other access routers: the numbers by which hosts in pinned tables refer to them, kept while the configuration
/// changes around them, and their ends of tunnels.
struct RouterDirectory {
    /// Indices in the programs' table, by name.
    private let numbers: [String: Int]
    let names: [Int: String]
    private(set) var addresses: [String: IPAddress] = [:]

    /// None.
    init() { (numbers, names) = ([:], [:]) }

    /// - Parameters:
    ///   - peers: the configured neighbours.
    ///   - path: the file with the numbers of former starts.
    init(_ peers: [String], path: String) throws(DaemonError) {
        let bytes = try StateFile.read(path) ?? []
        let former = (try? JSONDecoder().decode([String: Int].self, from: Data(bytes))) ?? [:]
        numbers = Self.assign(peers, keeping: former)
        names = Dictionary(uniqueKeysWithValues: numbers.map { ($0.value, $0.key) })
        guard numbers != former else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(numbers) else { throw .storage("can't encode \(path)") }
        try StateFile.write(Array(data), to: path)
    }

    static func assign(_ peers: [String], keeping former: [String: Int]) -> [String: Int] {
        var numbers = former.filter { peers.contains($0.key) && (0..<RouterEntry.limit).contains($0.value) }
        for peer in peers.sorted() where numbers[peer] == nil {
            let taken = Set(numbers.values)
            numbers[peer] = (0..<RouterEntry.limit).first { !taken.contains($0) }
        }
        return numbers
    }

    func number(of peer: String) -> Int? { numbers[peer] }
    func name(of number: Int) -> String? { names[number] }
    var all: [String] { numbers.keys.sorted() }

    func address(of peer: String) -> IPAddress? { addresses[peer] }
    func peer(at address: IPAddress) -> String? { addresses.first { $0.value == address }?.key }

    mutating func set(_ address: IPAddress?, of peer: String) { addresses[peer] = address }

    // MARK: Sets of routers, as the programs have them

    func bits(_ peers: some Sequence<String>) -> UInt32 {
        peers.reduce(0) { bits, peer in bits | (numbers[peer].map { 1 << UInt32($0) } ?? 0) }
    }

    func peers(_ bits: UInt32) -> Set<String> {
        Set(names.filter { bits >> UInt32($0.key) & 1 != 0 }.values)
    }
}
