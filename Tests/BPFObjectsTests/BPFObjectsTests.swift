import Testing

@testable import BPFObjects

@Suite struct BPFObjectsTests {
    @Test func `an object that was built is found next to the executable`() throws {
        let path = try BPFObjects.path(of: "bpfkit")
        #expect(path.hasSuffix("/bpfkit.bpf.o"))
    }

    @Test func `an installed executable finds objects under its own prefix`() {
        let folders = BPFObjects.searchPath(executable: "/opt/fa/bin/anchord", environment: [:])
        #expect(folders.last == "/opt/fa/lib/flowanchor")
    }

    @Test func `a folder named in the environment comes first`() {
        let folders = BPFObjects.searchPath(executable: "/a/b/c", environment: ["FLOWANCHOR_BPF": "/tmp/objects"])
        #expect(folders.first == "/tmp/objects")
    }

    @Test func `an object that does not exist is refused with every folder that was searched`() {
        #expect {
            try BPFObjects.path(of: "no_such_program")
        } throws: { error in
            "\(error)".contains("no_such_program.bpf.o") && "\(error)".contains("lib/flowanchor")
        }
    }
}
