import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite struct KeyTextTests {
    @Test func `a flow is read as it is written`() throws {
        for transport: UInt8 in [1, 6, 17, 58, 132] {
            for (local, remote) in [("10.1.0.5", "203.0.113.9"), ("2001:db8:1::5", "2001:db8:9::1")] {
                let key = FlowKey(
                    local: IPAddress(local)!, localPort: 5000, remote: IPAddress(remote)!, remotePort: 80,
                    transport: transport)
                #expect(try KeyText.flow(KeyText.flow(key)) == key)
            }
        }
        let key = try KeyText.flow("udp,[2001:db8::1]:53,[2001:db8::2]:4000")
        #expect(KeyText.flow(key) == "udp,[2001:db8::1]:53,[2001:db8::2]:4000")
        #expect(key.transport == 17)
    }

    @Test(arguments: [
        "", "tcp", "tcp,10.0.0.1:1", "tcp,10.0.0.1,10.0.0.2:1", "tcp,10.0.0.1:70000,10.0.0.2:1",
        "tcp,here:1,10.0.0.2:1", "tcpp,10.0.0.1:1,10.0.0.2:1", "300,10.0.0.1:1,10.0.0.2:1",
        "tcp,10.0.0.1:1,10.0.0.2:1,",
    ])
    func `what is no flow is refused`(_ text: String) {
        #expect(throws: DataPlaneError.self) { try KeyText.flow(text) }
    }

    @Test func `a host has its realm where there is one`() throws {
        #expect(KeyText.host(HostKey(IPAddress("10.0.0.1")!)) == "10.0.0.1")
        #expect(KeyText.host(HostKey(IPAddress("10.0.0.1")!, realm: 9)) == "10.0.0.1@9")
        #expect(try KeyText.host("10.0.0.1").realm == nil)
        #expect(try KeyText.host("10.0.0.1@9") == (IPAddress("10.0.0.1")!, 9))
        for text in ["", "@", "10.0.0.1@", "10.0.0.1@x", "10.0.0.256"] {
            #expect(throws: DataPlaneError.self, "\(text)") { _ = try KeyText.host(text) }
        }
    }

    @Test func `processors have numbers`() throws {
        #expect(try KeyText.processor(KeyText.processor(3)) == 3)
        for text in ["3", "cpu", "cpu-1", "cpux"] {
            #expect(throws: DataPlaneError.self, "\(text)") { _ = try KeyText.processor(text) as Int }
        }
    }
}
