import Testing
import Wire

@testable import Node

struct NameResolverTests {
    @Test func aNumericAddressIsItsOwnAndNothingIsLookedUp() async throws {
        let resolver = NameResolver { _ throws(ResolutionFailure) in
            throw ResolutionFailure(description: "asked")
        }
        for text in ["10.0.0.1:7433", "[2001:db8::1]:7433"] {
            #expect(try await resolver.addresses(of: address(text)) == [address(text)])
        }
    }

    @Test func everyRecordOfANameIsGivenWithThePort() async throws {
        let resolver = NameResolver { _ throws(ResolutionFailure) in
            [.v4([10, 0, 0, 1]), .v4([10, 0, 0, 2])]
        }
        #expect(
            try await resolver.addresses(of: address("home.example:9"))
                == [address("10.0.0.1:9"), address("10.0.0.2:9")])
    }

    @Test func aNameWithoutRecordsIsAFailureThatNamesIt() async {
        let resolver = NameResolver { _ throws(ResolutionFailure) in [] }
        await #expect(
            throws: ResolutionFailure(description: "the name home.example has no address")
        ) {
            try await resolver.addresses(of: address("home.example:9"))
        }
    }

    @Test func theSystemKnowsThisMachineAndNoInvalidName() async throws {
        let resolver = NameResolver.system(within: .seconds(30))
        #expect(try await resolver.addresses(of: address("localhost:9")).contains { $0.isLoopback })
        do {
            // RFC 6761, section 6.4: nobody has a name under it.
            _ = try await resolver.addresses(of: address("shoal.invalid:9"))
            Issue.record("it resolved")
        } catch {
            #expect("\(error)".contains("shoal.invalid"))
        }
    }

    @Test func aLookUpThatHasNoTimeIsGivenUp() async {
        await #expect(throws: (any Error).self) {
            try await NameResolver.system(within: .zero).addresses(of: address("shoal.invalid:9"))
        }
    }
}
