/// A map in which the functions of a program leave something for each other, since they have little stack. Nothing in
/// it outlasts the packet.
struct ScratchView: MapView {
    func scan(_ body: (Never) -> Bool) {}

    func matcher(_ key: String) throws(DataPlaneError) -> (Never) -> Bool {
        throw .invalid("there is nothing to look up: what is here lasts for one packet")
    }

    func entry(_ record: Never) -> MapEntry {}
}
