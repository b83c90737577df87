import AnchorCore
import NamespaceTestSupport
import NetworkTypes
import Testing

@testable import AnchorDaemon

@Suite(.inNamespaces)
struct ProtocolTransportTests {
    private final class Numbering: InterfaceNumbering {
        func number(ofKernelIndex index: UInt32) -> InterfaceID? { InterfaceID(index) }
        func kernelIndex(of interface: InterfaceID) -> UInt32? { interface.number }
        func gateway(on interface: InterfaceID, _ family: AddressFamily) -> IPAddress? { nil }
    }

    private final class Failures { var texts: [String] = [] }

    @Test func `what was queued first leaves first, and what is of its family with it`() throws {
        let pair = try Pair()
        let failures = Failures()
        let transport = try pair.near.run {
            try ProtocolTransport(port: 4346, interfaces: Numbering()) { failures.texts.append($0) }
        }
        // There are no routes: what can't be sent is told in the order in which that was tried.
        func send(_ addresses: [String]) -> [String] {
            failures.texts = []
            for address in addresses {
                let source: IPAddress = address.contains(":") ? .anyV6 : .anyV4
                transport.send(OutgoingDatagram([1], .unicast(to: IPAddress(address)!, port: 4346, from: source)))
            }
            transport.flush()
            return addresses.sorted { first, second in place(first) < place(second) }
        }
        func place(_ address: String) -> Int {
            failures.texts.firstIndex { $0.contains("to \(address):") } ?? .max
        }
        let (six, otherSix) = ("2001:db8:9::1", "2001:db8:9::2")
        let (four, otherFour) = ("198.51.100.1", "198.51.100.2")
        #expect(send([six, four, otherSix, otherFour]) == [six, otherSix, four, otherFour])
        #expect(failures.texts.count == 4)
        #expect(send([four, six, otherFour]) == [four, otherFour, six])
    }
}
