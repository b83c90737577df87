import NetworkTypes
import PacketKit

@testable import AnchorDataPlane

/// Packets of hosts that roam, and of the routers that they are shared with.
extension NATPackets {
    mutating func roaming() -> (port: UInt32, frame: [UInt8]) {
        switch random.number(below: 8) {
        case 0, 1: return up(away.isEmpty ? anyTuple() : random.pick(away.suffix(40)))
        case 2: return away.isEmpty ? up(anyTuple()) : errorAboutAway()
        case 3, 4: return fromRouter(toHost())
        case 5, 6: return fromRouter(fromHost())
        default: return up(anyTuple())
        }
    }

    /// Of a flow that began at another router, of one that began here, or of none.
    private mutating func toHost() -> [Layer] {
        if random.chance(5) { return anything(isUp: false) }
        let tuple = away.isEmpty || random.chance(3) ? anyTuple() : random.pick(away.suffix(40))
        return packet(tuple.transport, from: tuple.remote, to: tuple.local, isAnswer: true)
    }

    /// What that router knows no flow of, or has got for one that it was at before.
    private mutating func fromHost() -> [Layer] {
        if random.chance(5) { return anything(isUp: true) }
        let tuple =
            !known.isEmpty && random.chance(2)
            ? flow().tuple : !away.isEmpty && random.chance(3) ? random.pick(away.suffix(40)) : anyTuple()
        return packet(tuple.transport, from: tuple.local, to: tuple.remote, isAnswer: false)
    }

    /// Of either family.
    private mutating func anything(isUp: Bool) -> [Layer] {
        let family: AddressFamily = random.chance(2) ? .v4 : .v6
        let host = DifferentialWorld.host(random.pick(DifferentialWorld.Kind.allCases), family)
        let far = DifferentialWorld.correspondents[family == .v4 ? 0 : 1]
        return isUp ? random.packet(from: host, to: far) : random.packet(from: far, to: host, isAnswer: true)
    }

    private mutating func fromRouter(_ inner: [Layer]) -> (port: UInt32, frame: [UInt8]) {
        let router = random.chance(20) ? IPAddress("198.18.0.1")! : random.pick(RoamingWorld.routers)
        var outer = [random.ip(router, DifferentialWorld.endpoints[router.isV4 ? 0 : 1])]
        if random.chance(20) { outer.append(.gre(.init(key: random.chance(2) ? 77 : nil, sequence: nil))) }
        return fromCore(outer, inner)
    }

    private mutating func errorAboutAway() -> (port: UInt32, frame: [UInt8]) {
        let tuple = random.pick(away.suffix(40))
        let about = packet(tuple.transport, from: tuple.remote, to: tuple.local, isAnswer: true)
        return fromHost(
            tuple.local.address, error(from: tuple.local.address, to: tuple.remote.address, quote(about)))
    }
}
