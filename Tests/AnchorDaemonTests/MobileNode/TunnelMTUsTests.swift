import AnchorCore
import NetworkTypes
import Testing

@testable import AnchorDaemon

struct TunnelMTUsTests {
    let own = IPAddress("10.1.0.7")!
    let careOf = IPAddress("10.2.0.9")!
    let anchor = IPAddress("192.0.2.1")!
    let start = MonotonicInstant(nanoseconds: 0)

    /// "Fragmentation needed" about `[careOf>anchor][own>C]`, from a router on the way.
    func tooBig(_ mtu: UInt16, own: String = "10.1.0.7", careOf: String = "10.2.0.9") throws -> TunnelError {
        func header(_ source: String, _ destination: String, _ number: UInt8) -> [UInt8] {
            [0x45, 0, 0x05, 0xdc, 0, 0, 0x40, 0, 64, number, 0, 0] + IPAddress(source)!.bytes
                + IPAddress(destination)!.bytes
        }
        let quote = header(careOf, "192.0.2.1", 4) + header(own, "198.51.100.5", 6) + [0, 80, 0, 80, 0, 0, 0, 1]
        let icmp = [3, 4, 0, 0, 0, 0, UInt8(mtu >> 8), UInt8(mtu & 0xff)]
        let packet = header("203.0.113.9", careOf, 1) + icmp + quote
        return try #require(TunnelError(packet[...]))
    }

    func isOurs(_ own: IPAddress, _ careOf: IPAddress, _ peer: IPAddress) -> Bool {
        own == self.own && careOf == self.careOf && peer == anchor
    }

    @Test func `a narrower way is learnt, a wider one only when the narrow one is forgotten`() throws {
        var mtus = TunnelMTUs()
        #expect(try mtus.learn(tooBig(1400), at: start, isOurs: isOurs) == anchor)
        #expect(mtus[anchor] == 1400)
        #expect(try mtus.learn(tooBig(1450), at: start, isOurs: isOurs) == nil)
        #expect(try mtus.learn(tooBig(1300), at: start, isOurs: isOurs) == anchor)
        #expect(mtus.expire(at: start + .seconds(599)).isEmpty)
        #expect(mtus.expire(at: start + .seconds(600)) == [anchor])
        #expect(mtus[anchor] == nil)
    }

    @Test func `an error about a tunnel that this node does not have is nobody's business`() throws {
        var mtus = TunnelMTUs()
        #expect(try mtus.learn(tooBig(1400, own: "10.1.0.8"), at: start, isOurs: isOurs) == nil)
        #expect(try mtus.learn(tooBig(1400, careOf: "10.9.0.9"), at: start, isOurs: isOurs) == nil)
        #expect(mtus[anchor] == nil)
    }

    @Test(arguments: [0, 68, 575])
    func `no error makes packets smaller than what must fit everywhere`(mtu: UInt16) throws {
        var mtus = TunnelMTUs()
        #expect(try mtus.learn(tooBig(mtu), at: start, isOurs: isOurs) == anchor)
        #expect(mtus[anchor] == 596)
    }
}
