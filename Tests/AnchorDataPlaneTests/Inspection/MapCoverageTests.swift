import BPFKit
import BPFObjects
import KernelTestSupport
import Testing

@testable import AnchorDataPlane

/// No map of the programs is left without words for what is in it.
@Suite struct MapCoverageTests {
    private func maps(of program: KernelDataPlane.Program) throws -> [BPFMapDescription] {
        try BPFObject(path: BPFObjects.path(of: program.rawValue)).maps()
    }

    @Test func `each map of the objects is known, and none is known that no object has`() throws {
        var found: Set<String> = []
        for program in KernelDataPlane.Program.allCases {
            let names = try maps(of: program).map(\.name)
            #expect(names.count > 15)
            for name in names { #expect(DataPlaneMap(rawValue: name) != nil, "\(name) of \(program) has no decoder") }
            found.formUnion(names)
        }
        #expect(found == Set(DataPlaneMap.allCases.map(\.rawValue)))
    }

    @Test(.kernel, arguments: KernelDataPlane.Program.allCases)
    func `each map of a role is dumped and has its fill`(_ program: KernelDataPlane.Program) throws {
        let instance = try KernelInstance("cover-\(program == .mobileNode ? "mn" : "ar")", program: program)
        let dataPlane = try #require(instance.dataPlane)
        #expect(Set(dataPlane.inspectedMaps.map(\.rawValue)) == Set(try maps(of: program).map(\.name)))
        for map in dataPlane.inspectedMaps {
            #expect(throws: Never.self, "\(map)") {
                _ = try dataPlane.entries(of: map, limit: 10)
                let entries = try dataPlane.entriesInUse(of: map)
                if map.refusesWhenFull { #expect(entries != nil, "\(map)") }
            }
        }
    }

    @Test(.kernel) func `a router has no flow table to show`() throws {
        let instance = try KernelInstance("noflows")
        let dataPlane = try #require(instance.dataPlane)
        for map in [DataPlaneMap.flows, .flowState] {
            #expect(throws: DataPlaneError.self) { try dataPlane.entries(of: map, limit: 1) }
        }
    }
}
