import NetworkTypes
import Testing

@testable import AnchorCore

@Suite struct AddressIndexTests {
    @Test func `it finds what a dictionary finds, whatever comes and goes`() {
        var random = SeededRandom(seed: 1)
        var index = AddressIndex(seed: 7)
        var expected: [IPAddress: UInt32] = [:]
        var addresses: [IPAddress] = []
        for _ in 0..<50_000 {
            // From few, so that many are met again.
            let number = random.next() % 700
            let address = number % 2 == 0 ? IPAddress(v4: UInt32(number)) : IPAddress(high: number << 32, low: 1)
            if let slot = expected.removeValue(forKey: address) {
                index.remove(slot) { addresses[Int($0)] }
            } else {
                let slot = UInt32(addresses.count)
                addresses.append(address)
                expected[address] = slot
                index.insert(slot) { addresses[Int($0)] }
            }
            let other = IPAddress(v4: UInt32(random.next() % 700))
            #expect(index.slot(of: address) { addresses[Int($0)] } == expected[address])
            #expect(index.slot(of: other) { addresses[Int($0)] } == expected[other])
            #expect(index.count == expected.count)
        }
        for (address, slot) in expected { #expect(index.slot(of: address) { addresses[Int($0)] } == slot) }
    }
}
