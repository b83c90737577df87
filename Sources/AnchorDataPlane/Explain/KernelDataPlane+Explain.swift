import NetworkTypes
import PacketKit

extension KernelDataPlane {
    /// What the programs would do with a packet that came now, and what they would look up for it. Nothing is changed:
    /// the model, which is held to the programs by tests, walks through a copy of the entries that the packet concerns.
    ///
    /// It is said as if the packet were the first of its kind: not of one that is a copy of another or a later fragment,
    /// and not of those that are over a limit of so many a second.
    /// - Throws: `invalid` for a packet that can't be, or an interface that has no program.
    public func explain(_ question: PacketQuestion) throws(DataPlaneError) -> PacketExplanation {
        guard options.program == .accessRouter else {
            throw .invalid("packets are explained on an access router; instance \(options.instance) is a mobile node's")
        }
        let (frame, index) = try QuestionFrame(question, self).encoded()
        return try explain(frame, on: index)
    }

    /// The same for a frame.
    func explain(_ frame: [UInt8], on index: PortIndex) throws(DataPlaneError) -> PacketExplanation {
        var copy = try TablesCopy(self)
        guard let port = copy.tables.ports[index] else { throw .invalid("there is no port \(index)") }
        while true {
            let trace = LookUpTrace()
            copy.tables.trace = trace
            var walk = ModelWalk(tables: copy.tables, index: index, port: port)
            let outcome = walk.run(frame)
            // What it has found missing it may go on with.
            guard try copy.fetch(trace.keys) else {
                return PacketExplanation(frame, on: port, copy.lookUps(trace.keys), outcome, in: copy.tables)
            }
        }
    }
}
