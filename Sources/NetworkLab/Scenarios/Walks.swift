import NetworkTypes

/// What captures of several links saw while something went on.
struct Observation {
    /// Packets by the name of their link.
    let packets: [String: [CapturedPacket]]
    let names: AddressNames

    /// The different header stacks of one flow on a link, with how often each was seen.
    func stacks(on link: String, of flow: (source: IPAddress, destination: IPAddress)) -> [HeaderStack: Int] {
        (packets[link] ?? []).reduce(into: [:]) { counts, packet in
            guard let inner = packet.stack.innermost, inner == flow else { return }
            counts[packet.stack, default: 0] += 1
        }
    }

    /// Packets on a link that have the address in any of their headers.
    func mentioning(_ address: IPAddress, on link: String) -> [CapturedPacket] {
        (packets[link] ?? []).filter { packet in
            packet.stack.headers.contains { header in
                guard case .ip(let source, let destination) = header else { return false }
                return source == address || destination == address
            }
        }
    }
}

extension ScenarioRun {
    /// Captures links while the body runs.
    /// - Parameter filter: a display filter of Wireshark for the packets that are looked at.
    func observe(
        _ links: [String], in lab: Lab, label: String, filter: String? = nil, _ body: () throws -> Void
    ) throws -> Observation {
        let captures = try lab.capture(links, label: label)
        defer { captures.forEach { $0.stop() } }
        try body()
        captures.forEach { $0.stop() }
        var packets: [String: [CapturedPacket]] = [:]
        var bad = 0
        for capture in captures {
            packets[capture.link] = try capture.packets(filter: filter)
            bad += try HeaderReader.countBadChecksums(capture.path)
        }
        check("every checksum is right (\(label))", bad == 0, "\(bad) wrong in \(captures.count) captures")
        return Observation(packets: packets, names: names)
    }

    /// A packet walk: on this link, the flow of the innermost header has these header stacks, each seen
    /// and no other. The other direction has the same stacks with each pair reversed.
    func checkWalk(
        _ row: String, on link: String, _ notations: [String], in observation: Observation,
        directions: [Direction] = [.up, .down]
    ) throws {
        let up = try notations.map { try HeaderStack($0, names) }
        for direction in directions {
            let expected = direction == .up ? up : up.map(\.reversed)
            guard let flow = expected[0].innermost else { continue }
            let seen = observation.stacks(on: link, of: flow)
            let text = expected.map { $0.notation(names) }.joined(separator: " and ")
            let detail =
                seen.isEmpty
                ? "no packet of this flow"
                : seen.map { "\($0.value) × \($0.key.notation(names))" }.sorted().joined(separator: ", ")
            check("\(row) \(direction.rawValue) on \(link): \(text)", Set(seen.keys) == Set(expected), detail)
        }
    }

    /// Nothing on this link has the named address in any header.
    func checkAbsent(_ row: String, _ name: String, from link: String, in observation: Observation) {
        guard let address = names[name] else { return }
        let found = observation.mentioning(address, on: link)
        let detail = found.first.map { "\(found.count) packets, the first \($0.stack.notation(names))" } ?? ""
        check("\(row) on \(link): nothing from or to \(name)", found.isEmpty, detail)
    }
}

/// Up is from the node to the correspondent.
enum Direction: String, CaseIterable {
    case up, down
}
