import BPFKit

/// A program that is attached, for frames that the daemon sends through it.
final class AttachedProgram: Sendable {
    let program: BPFProgram

    init(_ program: consuming BPFProgram) { self.program = program }
}

extension KernelDataPlane {
    /// Has the port's program deal with a frame as if its interface had received it.
    /// - Throws: for a port that no program of this process is attached to.
    public func inject(_ frame: [UInt8], on index: PortIndex) throws(DataPlaneError) {
        let found = state.withLock { state -> (AttachedProgram, Port)? in
            guard let program = state.attached[index], let port = state.ports[index] else { return nil }
            return (program, port)
        }
        guard let (attached, port) = found else { throw .invalid("port \(index) has no program yet") }
        try Result { () throws(BPFError) in
            try attached.program.sendLive(frame, interface: UInt32(port.interfaceIndex), count: 1, batch: 1)
        }.unwrapped()
    }
}
