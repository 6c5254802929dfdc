# On a fresh Windows: an ordinary user with a Cyrillic name installs for themselves, starts the private Postgres, asks the
# doctor, kills, installs again, removes, and finds the profile as it was. Usage: try.ps1 -Setup SETUP.exe
param([Parameter(Mandatory)] [string] $Setup)
$ErrorActionPreference = 'Stop'

$name = 'Олена'
$password = [guid]::NewGuid().ToString() + 'aA1!'
$secure = ConvertTo-SecureString $password -AsPlainText -Force
New-LocalUser -Name $name -Password $secure | Out-Null
Add-LocalGroupMember -SID 'S-1-5-32-545' -Member $name
$who = New-Object System.Management.Automation.PSCredential($name, $secure)
$public = 'C:\Users\Public\skrynka'
New-Item -ItemType Directory -Force $public | Out-Null
Copy-Item $Setup "$public\setup.exe"
icacls $public /grant "${name}:(OI)(CI)F" | Out-Null

# What that user does, in one script of theirs: it says in a file how it went.
@'
$ErrorActionPreference = 'Stop'
Start-Transcript 'C:\Users\Public\skrynka\log.txt' | Out-Null
function Install { Start-Process -Wait -FilePath 'C:\Users\Public\skrynka\setup.exe' -ArgumentList '/S' }
$program = "$env:LOCALAPPDATA\Skrynka\skrynka.exe"
$profileDir = "$env:APPDATA\dev.skrynka.desktop"
$key = "$env:LOCALAPPDATA\vault.key"
[Convert]::ToBase64String((1..32 | ForEach-Object { Get-Random -Maximum 256 })) | Set-Content -Encoding ascii $key
icacls $key /inheritance:r /grant "${env:USERNAME}:F" | Out-Null
function Listen {
  $script:listening = Start-Process -PassThru -FilePath $program -ArgumentList 'listen', '--vault-key-file', $key
  foreach ($i in 1..300) { if (Test-Path "$profileDir\postgres\cluster.json") { return }; Start-Sleep -Milliseconds 200 }
  throw 'the private Postgres does not start'
}
# A program with a window is waited for by nobody who does not say so.
function Healthy {
  $doctor = Start-Process -Wait -PassThru -FilePath $program -ArgumentList 'doctor', '--vault-key-file', $key `
    -RedirectStandardOutput 'C:\Users\Public\skrynka\doctor.txt'
  Get-Content 'C:\Users\Public\skrynka\doctor.txt'
  if ($doctor.ExitCode -ne 0) { throw 'the doctor is not content' }
}
Install
Listen
Healthy
$identity = (Get-FileHash "$profileDir\install.json").Hash
Stop-Process -Force -Id $listening.Id
Install
Listen
Healthy
if ((Get-FileHash "$profileDir\install.json").Hash -ne $identity) { throw 'the profile is another one' }
Stop-Process -Force -Id $listening.Id
Get-Process postgres -ErrorAction SilentlyContinue | Where-Object Path -like "$env:LOCALAPPDATA\*" | Stop-Process -Force
Start-Process -Wait -FilePath "$env:LOCALAPPDATA\Skrynka\uninstall.exe" -ArgumentList '/S'
if (-not (Test-Path "$profileDir\postgres\data\base")) { throw 'the removal took the profile' }
'well' | Set-Content 'C:\Users\Public\skrynka\ended.txt'
'@ | Set-Content -Encoding utf8BOM "$public\theirs.ps1"

Start-Process -Wait -Credential $who -LoadUserProfile -WorkingDirectory $public `
  -FilePath "$env:SystemRoot\System32\WindowsPowerShell\v1.0\powershell.exe" `
  -ArgumentList '-NoProfile', '-ExecutionPolicy', 'Bypass', '-File', "$public\theirs.ps1"
Get-Content "$public\log.txt"
if (-not (Test-Path "$public\ended.txt")) { throw 'it did not come to its end' }
