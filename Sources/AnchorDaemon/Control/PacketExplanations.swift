import AnchorDataPlane
import ControlAPI

extension PacketExplanationModel {
    /// What the programs would do with a packet; nothing is changed.
    static func answer(
        _ query: PacketQuery, in dataPlane: KernelDataPlane
    ) throws(ControlError) -> PacketExplanationModel {
        do throws(DataPlaneError) {
            return PacketExplanationModel(try dataPlane.explain(PacketQuestion(query)))
        } catch {
            guard case .invalid(let text) = error else { throw ControlError(failure: error) }
            throw ControlError(.invalid, text)
        }
    }

    init(_ explanation: PacketExplanation) {
        let verdict: String
        var leavesBy: String?
        switch explanation.verdict {
        case .sent(let interface): (verdict, leavesBy) = ("sent", interface)
        // Where it goes by the kernel's routes the programs send it themselves.
        case .kernel: verdict = explanation.asksKernel ? "sent" : "kernel"
        case .held: verdict = "held"
        case .dropped: verdict = "dropped"
        }
        let reason = explanation.asksKernel && explanation.verdict == .kernel ? nil : explanation.reason
        self.init(
            interface: explanation.interface, role: explanation.role.text, headers: explanation.headers,
            content: explanation.content,
            lookUps: explanation.lookUps.map {
                LookUpModel(map: $0.map.rawValue, key: $0.key, found: $0.found)
            },
            verdict: verdict, reason: reason?.name, meaning: reason?.text, leavesBy: leavesBy,
            headersAfter: explanation.headersAfter, contentAfter: explanation.contentAfter)
    }
}

extension PacketQuestion {
    fileprivate init(_ query: PacketQuery) throws(DataPlaneError) {
        try self.init(flow: query.flow)
        isDown = query.direction == .down
        (interface, station, opens) = (query.interface, query.mac, query.opens)
        if let length = query.length { self.length = length }
        guard let ends = query.tunnel else {
            guard query.key == nil, query.sequence == nil else {
                throw .invalid("a key or sequence number is a tunnel's: name its ends, too")
            }
            return
        }
        guard ends.count == 2 else { throw .invalid("a tunnel has two ends, from and to, not \(ends.count)") }
        tunnel = Tunnel(source: ends[0], destination: ends[1], key: query.key, sequence: query.sequence)
    }
}
