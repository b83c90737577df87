import NetworkTypes
import Testing

@testable import NetworkLab

@Suite struct HeaderStackTests {
    let names = AddressNames([
        "oM": IPAddress("10.1.0.100")!, "nM": IPAddress("10.2.0.100")!,
        "oA": IPAddress("192.0.2.18")!, "C": IPAddress("198.51.100.2")!,
    ])

    @Test(arguments: ["[oM>C]", "[nM>oA][oM>C]", "[nM>oA] GRE(key, seq) [oM>C]", "[nM>oA] GRE [oM>C]"])
    func `the notation of the walks is read and written back`(notation: String) throws {
        #expect(try HeaderStack(notation, names).notation(names) == notation)
    }

    @Test func `the downlink is the same stack with each pair reversed`() throws {
        let up = try HeaderStack("[nM>oA] GRE(key) [oM>C]", names)
        #expect(up.reversed == (try HeaderStack("[oA>nM] GRE(key) [C>oM]", names)))
        #expect(up.reversed.reversed == up)
    }

    @Test func `the innermost header names the flow`() throws {
        let stack = try HeaderStack("[nM>oA][oM>C]", names)
        #expect(stack.innermost?.source == names["oM"])
        #expect(stack.innermost?.destination == names["C"])
        #expect(HeaderStack([]).innermost == nil)
    }

    @Test func `an address may stand for itself`() throws {
        #expect(try HeaderStack("[10.1.0.100>2001:db8::1]", names).notation(names) == "[oM>2001:db8::1]")
    }

    @Test(arguments: ["[oM>X]", "[oM]", "[oM>C", "oM>C", "[oM>C] GRE(size) [oM>C]", "[oM>C] GRE(key", "[oM>C>oA]"])
    func `anything else is an error that quotes it`(notation: String) {
        #expect { try HeaderStack(notation, names) } throws: { error in
            "\(error)".contains(notation)
        }
    }

    @Test func `a name can be given to another address`() {
        var names = names
        names["nM"] = IPAddress("10.3.0.100")
        #expect(names.name(of: IPAddress("10.2.0.100")!) == "10.2.0.100")
        #expect(names.name(of: IPAddress("10.3.0.100")!) == "nM")
    }
}
