import Glibc
import RoadsteadCommand

exit(await Program.run(reach: .files))
