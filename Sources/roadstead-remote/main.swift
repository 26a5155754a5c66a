import Glibc
import RoadsteadRemote

exit(await RemoteProgram.run(arguments: Array(CommandLine.arguments.dropFirst())))
