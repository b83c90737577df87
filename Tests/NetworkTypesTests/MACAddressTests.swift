import NetworkTypes
import Testing

@Suite struct MACAddressTests {
    @Test func `text survives a round trip`() {
        #expect(MACAddress("02:00:0a:ff:00:01")?.description == "02:00:0a:ff:00:01")
        #expect(MACAddress("02:00:0a:ff:00:01")?.bytes == [2, 0, 10, 255, 0, 1])
    }

    @Test(arguments: ["", "02:00:0a:ff:00", "2:0:a:f:0:1", "02-00-0a-ff-00-01", "02:00:0a:ff:00:0g"])
    func `what is not a MAC address is refused`(text: String) {
        #expect(MACAddress(text) == nil)
    }
}
