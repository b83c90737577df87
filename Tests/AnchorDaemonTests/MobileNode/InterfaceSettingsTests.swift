import Foundation
import NamespaceTestSupport
import Netlink
import Testing

@testable import AnchorDaemon

@Suite(.inNamespaces)
struct InterfaceSettingsTests {
    private func value(_ path: String, in namespace: NetworkNamespace) throws -> String {
        try namespace.run {
            try String(contentsOfFile: "/proc/sys/net/" + path, encoding: .utf8).filter { !$0.isWhitespace }
        }
    }

    private func set(_ path: String, to value: String, in namespace: NetworkNamespace) throws {
        try namespace.run { try value.write(toFile: "/proc/sys/net/" + path, atomically: false, encoding: .utf8) }
    }

    @Test(arguments: [("1", "0", "2"), ("0", "1", "2"), ("0", "0", "0"), ("2", "1", "2")])
    func `strict reverse path filtering becomes loose, anything else stays`(
        of interface: String, ofAll: String, becomes: String
    ) throws {
        let pair = try Pair()
        try set("ipv4/conf/near0/rp_filter", to: interface, in: pair.near)
        try set("ipv4/conf/all/rp_filter", to: ofAll, in: pair.near)
        var settings = InterfaceSettings(namespace: pair.near)
        try settings.prepareUplink("near0")
        #expect(try value("ipv4/conf/near0/rp_filter", in: pair.near) == becomes)
        #expect(try value("ipv4/conf/all/rp_filter", in: pair.near) == ofAll)
        settings.restore()
        #expect(try value("ipv4/conf/near0/rp_filter", in: pair.near) == interface)
    }

    @Test func `what was changed is put back, and an interface that is gone is no obstacle`() throws {
        let pair = try Pair()
        let paths = [
            "ipv6/conf/near0/keep_addr_on_down", "ipv4/neigh/near0/retrans_time_ms", "ipv6/neigh/near0/mcast_solicit",
        ]
        let before = try paths.map { try value($0, in: pair.near) }
        var settings = InterfaceSettings(namespace: pair.near)
        try settings.prepareUplink("near0")
        for (path, original) in zip(paths, before) { #expect(try value(path, in: pair.near) != original) }
        settings.restore()
        #expect(try paths.map { try value($0, in: pair.near) } == before)

        try settings.prepareUplink("near0")
        try pair.near.command("ip", "link", "delete", "near0")
        settings.restore()
    }

    @Test func `an interface of a router with NAT passes packets that have an address of this machine`() throws {
        let pair = try Pair()
        for interface in ["near0", "all"] { try set("ipv4/conf/\(interface)/rp_filter", to: "0", in: pair.near) }
        var settings = InterfaceSettings(namespace: pair.near)
        #expect(settings.translationWarning("near0")?.contains("sysctl -w net.ipv4.conf.near0.accept_local=1") == true)
        try settings.prepareTranslation("near0")
        #expect(try value("ipv4/conf/near0/accept_local", in: pair.near) == "1")
        #expect(settings.translationWarning("near0") == nil)
    }

    @Test(arguments: [("1", "0", true), ("0", "1", true), ("2", "1", false), ("1", "2", false)])
    func `a strict reverse path filter is in a NAT's way`(
        of interface: String, ofAll: String, isInTheWay: Bool
    ) throws {
        let pair = try Pair()
        try set("ipv4/conf/near0/rp_filter", to: interface, in: pair.near)
        try set("ipv4/conf/all/rp_filter", to: ofAll, in: pair.near)
        var settings = InterfaceSettings(namespace: pair.near)
        try settings.prepareTranslation("near0")
        let warning = settings.translationWarning("near0")
        #expect((warning != nil) == isInTheWay)
        if isInTheWay { #expect(warning?.contains("sysctl -w net.ipv4.conf.near0.rp_filter=2") == true) }
    }
}
