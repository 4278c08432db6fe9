# SPDX-License-Identifier: GPL-2.0
# bash completion for kmclctl

_kmclctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words=

	COMPREPLY=()
	case $prev in
	--kernel | --initrd)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	if [ "$COMP_CWORD" = 1 ]; then
		words="list show freeze save restore live-update --help --version"
	else
		case $command in
		list) words="--json" ;;
		show) words="--hex --json --quiet" ;;
		freeze | save) words="--bus= --deadline= --json" ;;
		restore) words="--json --none --remove" ;;
		live-update)
			words="--append= --before-kexec= --deadline= --dry-run --edit-stream=
				--initrd= --json --kernel= --replace --reuse-cmdline"
			;;
		esac
		words="$words --help"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	[[ $cur != -* && $COMP_CWORD != 1 ]] || return
	case $command in
	show)
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(
			cd /sys/class/kmcl 2>/dev/null && compgen -G "$cur*"
		)
		;&
	save | restore)
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur")
		;;
	freeze)
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		;;
	esac
}

complete -o filenames -o nospace -F _kmclctl kmclctl
